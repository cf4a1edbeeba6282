/** The users, as operators' commands change them. */
import { EventActor } from '../core/audit/event.ts'
import { UserService } from '../core/users/user.service.ts'
import type { Database } from '../database/database.ts'
import { operatorTrail } from './operator-trail.ts'

export function operatorUsers(database: Database): UserService {
  const actor = EventActor.OPERATOR
  return new UserService({ database, audit: operatorTrail(), clock: Date.now, actor })
}

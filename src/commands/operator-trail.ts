/** The audit trail as operators' commands write it. */
import { hostname, userInfo } from 'node:os'
import { AuditTrail } from '../core/audit/audit-trail.ts'
import { EventIds } from '../core/audit/event-id.ts'
import { takeCharacters } from '../core/users/name.ts'

export function operatorTrail(): AuditTrail {
  return new AuditTrail({
    clock: Date.now,
    ids: new EventIds(),
    origin: { operator: operatorName() },
  })
}

/** Such as `deploy@login-1`. */
export function operatorName(): string {
  const user = process.env['SUDO_USER'] ?? nameOfUser()
  return takeCharacters(`${user}@${hostname()}`, 255)
}

function nameOfUser(): string {
  try {
    return userInfo().username
  } catch {
    // In a container, the user may have a number and no name.
    return String(process.getuid?.() ?? 'unknown')
  }
}

/** Who am I. */
import { Role } from '../../client/index.ts'
import type { Person } from './account.tsx'
import { Moment } from './moment.tsx'
import { Section } from './section.tsx'

export function Profile({ person }: { person: Person }) {
  return (
    <Section id="profile" title="Profile">
      <dl className="facts">
        {person.name != null && person.name !== '' && (
          <div>
            <dt>Name</dt>
            <dd>{person.name}</dd>
          </div>
        )}
        <div>
          <dt>E-mail address</dt>
          <dd>{person.email ?? 'None'}</dd>
        </div>
        {person.roles.includes(Role.ADMIN) && (
          <div>
            <dt>Role</dt>
            <dd>Administrator</dd>
          </div>
        )}
        <div>
          <dt>Member since</dt>
          <dd>
            <Moment at={person.createdAt} day />
          </dd>
        </div>
      </dl>
    </Section>
  )
}

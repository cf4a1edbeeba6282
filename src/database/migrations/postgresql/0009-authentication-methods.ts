import { Migration } from '@mikro-orm/migrations'

export class AuthenticationMethods extends Migration {
  override name = '0009-authentication-methods'

  override up(): void {
    // Rows of an older version keep `[]`: what it says of the proof is read from `authenticated_by` (session-row.ts).
    // An update of all rows would hold up every request of the instances that still serve.
    this.addSql("alter table sessions add column amr jsonb not null default '[]'")
  }
}

import { Migration } from '@mikro-orm/migrations'

export class AuthenticationMethods extends Migration {
  override name = '0009-authentication-methods'

  override up(): void {
    // `[]` is what an older version leaves, which serves on during a rolling update: no token then says how.
    this.addSql("alter table sessions add column amr json not null default '[]'")
    this.addSql(
      `update sessions set amr = '["pwd"]' where coalesce(authenticated_by, method) = 'password'`,
    )
  }
}

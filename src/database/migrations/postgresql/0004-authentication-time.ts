import { Migration } from '@mikro-orm/migrations'

export class AuthenticationTime extends Migration {
  override name = '0004-authentication-time'

  override up(): void {
    // 0 is what an older version leaves, which serves on during a rolling update: read as `created_at`.
    this.addSql('alter table sessions add column authenticated_at bigint not null default 0')
    this.addSql('update sessions set authenticated_at = created_at')
    this.addSql('alter table sessions add column authenticated_by varchar(64) null')
    this.addSql(
      "alter table provider_flows add column purpose varchar(32) not null default 'SIGN_IN'",
    )
  }
}

import { Migration } from '@mikro-orm/migrations'

export class Audit extends Migration {
  override name = '0003-audit'

  override up(): void {
    this.addSql(`create table audit_events (
      id text not null primary key,
      type text not null,
      occurred_at bigint not null,
      user_id text null,
      actor text not null,
      operator text null,
      reason text null,
      method text null,
      role text null,
      session_id text null,
      sessions_ended integer null,
      ip text null,
      user_agent text null,
      request_id text null
    )`)
    this.addSql('create index audit_events_user_id_id_index on audit_events (user_id, id)')

    this.addSql(`create table leases (
      name text not null primary key,
      holder text not null,
      expires_at bigint not null
    )`)
  }
}

import { Migration } from '@mikro-orm/migrations'

export class Audit extends Migration {
  override name = '0003-audit'

  override up(): void {
    this.addSql(`create table audit_events (
      id uuid not null primary key,
      type varchar(32) not null,
      occurred_at bigint not null,
      user_id uuid null,
      actor varchar(16) not null,
      operator varchar(255) null,
      reason varchar(32) null,
      method varchar(64) null,
      role varchar(16) null,
      session_id varchar(22) null,
      sessions_ended int null,
      ip varchar(45) null,
      user_agent varchar(512) null,
      request_id varchar(128) null
    )`)
    this.addSql('create index audit_events_user_id_id_index on audit_events (user_id, id)')

    this.addSql(`create table leases (
      name varchar(64) not null primary key,
      holder varchar(36) not null,
      expires_at bigint not null
    )`)
  }
}

import { Migration } from '@mikro-orm/migrations'

export class Initial extends Migration {
  override name = '0001-initial'

  override up(): void {
    this.addSql(`create table users (
      id uuid not null primary key,
      email varchar(254) null,
      email_verified boolean not null,
      name varchar(200) null,
      roles jsonb not null,
      password_hash varchar(60) null,
      credential_version int not null,
      created_at bigint not null,
      last_signed_in_at bigint null,
      disabled_at bigint null,
      constraint users_email_unique unique (email)
    )`)

    this.addSql(`create table identities (
      id uuid not null primary key,
      user_id uuid not null,
      provider varchar(64) not null,
      subject varchar(255) not null,
      email varchar(254) null,
      linked_at bigint not null,
      constraint identities_provider_subject_unique unique (provider, subject),
      constraint identities_user_id_foreign
        foreign key (user_id) references users (id) on delete cascade
    )`)
    this.addSql('create index identities_user_id_index on identities (user_id)')

    this.addSql(`create table sessions (
      id varchar(22) not null primary key,
      user_id uuid not null,
      method varchar(64) not null,
      generation int not null,
      rotated_at bigint null,
      created_at bigint not null,
      last_used_at bigint not null,
      expires_at bigint not null,
      ends_at bigint not null,
      user_agent varchar(512) null,
      ip varchar(45) null,
      constraint sessions_user_id_foreign
        foreign key (user_id) references users (id) on delete cascade
    )`)
    this.addSql('create index sessions_expires_at_index on sessions (expires_at)')
    this.addSql(
      'create index sessions_user_id_last_used_at_index on sessions (user_id, last_used_at)',
    )

    this.addSql(`create table signing_keys (
      kid varchar(64) not null primary key,
      algorithm varchar(16) not null,
      public_key text not null,
      private_key_encrypted text not null,
      state varchar(16) not null,
      created_at bigint not null,
      current_since bigint null,
      removable_at bigint null
    )`)
    this.addSql(
      "create unique index signing_keys_state_unique on signing_keys (state) where state <> 'retired'",
    )

    this.addSql(`create table attempt_counters (
      key varchar(64) not null primary key,
      count int not null,
      blocked_until bigint not null,
      resets_at bigint not null
    )`)
    this.addSql('create index attempt_counters_resets_at_index on attempt_counters (resets_at)')
  }
}

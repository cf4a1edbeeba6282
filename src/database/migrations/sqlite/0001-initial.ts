import { Migration } from '@mikro-orm/migrations'

export class Initial extends Migration {
  override name = '0001-initial'

  override up(): void {
    this.addSql(`create table users (
      id text not null primary key,
      email text null,
      email_verified integer not null,
      name text null,
      roles json not null,
      password_hash text null,
      credential_version integer not null,
      created_at bigint not null,
      last_signed_in_at bigint null,
      disabled_at bigint null
    )`)
    this.addSql('create unique index users_email_unique on users (email)')

    this.addSql(`create table identities (
      id text not null primary key,
      user_id text not null,
      provider text not null,
      subject text not null,
      email text null,
      linked_at bigint not null,
      constraint identities_user_id_foreign
        foreign key (user_id) references users (id) on delete cascade
    )`)
    this.addSql('create index identities_user_id_index on identities (user_id)')
    this.addSql(
      'create unique index identities_provider_subject_unique on identities (provider, subject)',
    )

    this.addSql(`create table sessions (
      id text not null primary key,
      user_id text not null,
      method text not null,
      generation integer not null,
      rotated_at bigint null,
      created_at bigint not null,
      last_used_at bigint not null,
      expires_at bigint not null,
      ends_at bigint not null,
      user_agent text null,
      ip text null,
      constraint sessions_user_id_foreign
        foreign key (user_id) references users (id) on delete cascade
    )`)
    this.addSql('create index sessions_expires_at_index on sessions (expires_at)')
    this.addSql(
      'create index sessions_user_id_last_used_at_index on sessions (user_id, last_used_at)',
    )

    this.addSql(`create table signing_keys (
      kid text not null primary key,
      algorithm text not null,
      public_key text not null,
      private_key_encrypted text not null,
      state text not null,
      created_at bigint not null,
      current_since bigint null,
      removable_at bigint null
    )`)
    this.addSql(
      "create unique index signing_keys_state_unique on signing_keys (state) where state <> 'retired'",
    )

    this.addSql(`create table attempt_counters (
      key text not null primary key,
      count integer not null,
      blocked_until bigint not null,
      resets_at bigint not null
    )`)
    this.addSql('create index attempt_counters_resets_at_index on attempt_counters (resets_at)')
  }
}

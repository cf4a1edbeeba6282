import { Migration } from '@mikro-orm/migrations'

export class Providers extends Migration {
  override name = '0002-providers'

  override up(): void {
    this.addSql(`create table provider_flows (
      token_hash text not null primary key,
      provider text not null,
      state_hash text not null,
      nonce text not null,
      code_verifier text not null,
      redirect_uri text not null,
      user_id text null,
      expires_at bigint not null,
      constraint provider_flows_user_id_foreign
        foreign key (user_id) references users (id) on delete cascade
    )`)
    this.addSql(
      'create unique index provider_flows_state_hash_unique on provider_flows (state_hash)',
    )
    this.addSql('create index provider_flows_user_id_index on provider_flows (user_id)')
    this.addSql('create index provider_flows_expires_at_index on provider_flows (expires_at)')

    this.addSql(`create table provider_tokens (
      identity_id text not null primary key,
      access_token_encrypted text not null,
      refresh_token_encrypted text null,
      expires_at bigint null,
      scopes text not null,
      renewing_until bigint null,
      constraint provider_tokens_identity_id_foreign
        foreign key (identity_id) references identities (id)
          on update cascade on delete cascade
    )`)
  }
}

import { Migration } from '@mikro-orm/migrations'

export class Issuers extends Migration {
  override name = '0006-issuers'

  override up(): void {
    this.addSql('alter table identities add column issuer text null')
    this.addSql('create index identities_provider_issuer_index on identities (provider, issuer)')
    this.addSql('alter table provider_flows add column issuer text null')
    this.addSql('alter table provider_flows add column name varchar(200) null')
  }
}

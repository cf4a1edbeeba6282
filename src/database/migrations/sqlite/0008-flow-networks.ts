import { Migration } from '@mikro-orm/migrations'

export class FlowNetworks extends Migration {
  override name = '0008-flow-networks'

  override up(): void {
    this.addSql("alter table provider_flows add column network text not null default ''")
    this.addSql('create index provider_flows_network_index on provider_flows (network)')
  }
}

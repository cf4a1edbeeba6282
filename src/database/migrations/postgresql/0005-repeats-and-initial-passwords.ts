import { Migration } from '@mikro-orm/migrations'

export class RepeatsAndInitialPasswords extends Migration {
  override name = '0005-repeats-and-initial-passwords'

  override up(): void {
    this.addSql('alter table users add column password_expires_at bigint null')
    this.addSql('alter table sessions add column used_before bigint null')
    this.addSql('alter table sessions add column repeats integer not null default 0')
    this.addSql('alter table sessions add column repeated_generation integer null')
    this.addSql('alter table sessions add column reported_generation integer null')
  }
}

import { Migration } from '@mikro-orm/migrations'

class CreateNotes extends Migration {
  override up(): void {
    this.addSql(`create table notes (
      id uuid not null primary key,
      author_id uuid not null,
      text text not null,
      created_at bigint not null,
      constraint notes_author_id_foreign
        foreign key (author_id) references users (id) on delete cascade
    )`)
    this.addSql('create index notes_author_id_created_at_index on notes (author_id, created_at)')
  }
}

export const migrations = [{ name: '0001-create-notes', class: CreateNotes }]

/** How to call each command: what it prints when it is called wrong, and docs/reference/commands.md. */

export const usage = {
  user: `Usage: npm run user -- <command> (--email E | --id I) [options]

Manages accounts.

  create --email E [--name N] [--role R] [--password-stdin]
                       creates an account; reads its password with --password-stdin, else prints
                       a random one; either works for 7 days, until the user changes it
  show                 prints the account
  list                 lists accounts, the newest first; needs neither --email nor --id
    --search TEXT      accounts with this text in the e-mail address or the name
    --role R           accounts with this role
    --disabled         disabled accounts
    --limit N          the most to print, from 1 to 10000; the default is 100
    --after I          accounts after the one with this id: the next page
    --json             one JSON object per line
  set-password [--password-stdin]
                       for a user who forgot the password: sets another one, as create does, and
                       revokes every session
  remove-password [--force]
                       removes the password and revokes every session; --force if the account has
                       no other way to sign in
  disable, enable      disables the account immediately; enables it again, without any session
  delete               deletes the account, its sessions and its links to providers
  grant --role R       grants a role
  revoke --role R      revokes a role
  end-sessions         signs the user out everywhere`,

  keys: `Usage: npm run keys -- <command>

Manages the keys that sign access tokens. The server rotates them by itself.

  list     prints the keys: next, current and retired
  rotate   makes the next key the current one now; valid tokens stay valid
  reset    replaces every key and revokes every session: when APP_SECRET is lost or was stolen, or
           an older copy of the database was restored (docs/guides/backup.md). Then restart the
           server`,

  events: `Usage: npm run events -- [options]

Prints the audit trail, the newest event first: sign-ins, refusals, sessions, passwords, roles,
links and commands.

  --email E    events of the account with this e-mail address
  --id I       events of the account with this id, even if it was deleted
  --event T    events of this type, such as SIGN_IN_FAILED; may be given several times
  --since S    events of the last 90s, 15m, 12h or 30d, or since a time such as 2026-01-31T12:00Z
  --limit N    the most to print, from 1 to 10000; the default is 100
  --json       one JSON object per line`,

  'db:migrate': `Usage: npm run db:migrate

Brings the database schema up to date. A start of the server does so, too.`,

  'db:backup': `Usage: npm run db:backup -- FILE

Copies the database while the servers run. With PostgreSQL it needs pg_dump.

  FILE   is created; it holds everything except sessions and unfinished sign-ins`,

  'db:restore': `Usage: npm run db:restore -- FILE [--force]

Replaces the database with a backup, which holds no session. Stop the servers first.

  FILE      made by npm run db:backup
  --force   on PostgreSQL: restores although other clients are connected to the database`,
}

import { inFile, type Mutation } from '../mutation.ts'

const service = inFile('src/features/passwords/password.service.ts', [
  'test/api/login.test.ts',
  'test/api/change-password.test.ts',
])
const attempts = inFile('src/features/passwords/password-attempts.ts', [
  'test/api/throttle-budgets.test.ts',
])
const change = inFile('src/features/passwords/password-change.ts', [
  'test/api/change-password.test.ts',
])
const check = inFile('src/features/passwords/password-check.ts', ['test/api/login.test.ts'])
const policy = inFile('src/features/passwords/password-policy.ts', [
  'test/api/password-rules.test.ts',
])
const hasher = inFile('src/features/passwords/password-hasher.ts', [
  'test/unit/password-hasher.test.ts',
])
const queue = inFile('src/features/passwords/fair-queue.ts', ['test/unit/fair-queue.test.ts'])
const usable = inFile('src/core/users/usable-password.ts', ['test/api/initial-password.test.ts'])

// src/features/passwords/bcrypt.worker.ts runs in threads of its own, which do not load it through Vite.
export const passwords: readonly Mutation[] = [
  attempts(
    'a login that could not be attempted stays charged',
    '    await charge.refund()\n    throw error',
    '    throw error',
    { tests: ['test/api/throttle-store.test.ts'] },
  ),
  service(
    'a login that succeeds stays charged',
    'throw invalidCredentials()\n    }\n    await charge.refund()',
    'throw invalidCredentials()\n    }',
    { tests: ['test/api/throttle-delays.test.ts'] },
  ),
  change(
    'a change of the password is not throttled',
    'attempts.charge(user.email ?? user.id)',
    'attempts.charge(String(Math.random()))',
    { tests: ['test/api/throttle-delays.test.ts', 'test/api/throttle-budgets.test.ts'] },
  ),
  attempts(
    'guesses at one account from many addresses are not counted together',
    "{ name: 'account', subject: email, limit: limits.account, unlessTrusted: pair }",
    "{ name: 'account', subject: pair, limit: limits.account, unlessTrusted: pair }",
    { tests: ['test/api/throttle-budgets.test.ts'] },
  ),
  check(
    'no work is done for a password that bcrypt cannot take',
    '      await hasher.refuse(hash, network)\n',
    '',
    { tests: ['test/api/equal-work.test.ts'] },
  ),
  check(
    'a rehash overwrites a password that was changed meanwhile',
    'passwordHash: user.passwordHash ?? null }',
    '}',
  ),
  check(
    'an expired password still signs in',
    'return { isCorrect: isRight && isUsable }',
    'return { isCorrect: isRight }',
    { tests: ['test/api/initial-password.test.ts'] },
  ),
  service(
    'an unknown account gets another message than a wrong password',
    'throw invalidCredentials()',
    "throw new AppError(ErrorCode.INVALID_CREDENTIALS, user ? 'Wrong password.' : 'Wrong e-mail.')",
  ),
  service(
    'the trail has no failed sign-in of an unknown account',
    'await this.#recordFailure(user)',
    'if (user) await this.#recordFailure(user)',
    { tests: ['test/api/equal-work.test.ts', 'test/api/audit-trail.test.ts'] },
  ),
  change(
    'a password is changed without the current one',
    'if (passwordHash === undefined) {',
    'if (passwordHash === null) {',
  ),
  change(
    'two changes of one password at the same time both succeed',
    'and credential_version = ${user.credentialVersion}\n',
    '\n',
  ),
  service(
    'a password that was changed meanwhile proves who the user is',
    '= credential_version\n        where id = ${user.id} and credential_version = ${user.credentialVersion}\n',
    '= credential_version\n        where id = ${user.id}\n',
    { tests: ['test/api/reauthentication.test.ts'] },
  ),
  change(
    'a changed password expires like the initial one',
    'set password_hash = ${passwordHash}, password_expires_at = null,',
    'set password_hash = ${passwordHash},',
    { tests: ['test/api/initial-password.test.ts'] },
  ),
  service(
    'an account is registered although registration is closed',
    'if (!isRegistrationOpen) {',
    'if (isRegistrationOpen === undefined) {',
    { tests: ['test/api/registration.test.ts', 'test/api/provider-accounts.test.ts'] },
  ),
  policy(
    'the longest new password is counted in UTF-16 units',
    'if (Buffer.byteLength(normalized) > maximumBytes) {',
    'if (normalized.length > maximumBytes) {',
  ),
  policy(
    'the longest password at a login is counted in UTF-16 units',
    'Buffer.byteLength(normalized) <= maximumBytes\n',
    'normalized.length <= maximumBytes\n',
  ),
  policy(
    'the shortest password is counted in UTF-16 units',
    'Array.from(normalized).length < minimumCharacters',
    'normalized.length < minimumCharacters',
  ),
  policy('a password with a NUL is taken', "    !normalized.includes('\\0') &&\n", ''),
  policy(
    'a password is not composed',
    "return password.normalize('NFC')",
    "return password.normalize('NFD')",
  ),
  hasher(
    'a hash of the configured cost is made again',
    'Number(cost) < this.#cost',
    'Number(cost) <= this.#cost',
  ),
  hasher(
    'a full queue takes more',
    'if (this.#runningTasks >= this.#threads && !this.#queue.hasRoom(network)) throw busy()',
    '',
  ),
  hasher(
    'a task whose time is up is done all the same',
    'if (now() > next.startBy) {',
    'if (now() > next.startBy + 60_000) {',
    { survives: 'The thread compares the time again and does no work; this saves the way to it.' },
  ),
  queue(
    'a network keeps its turn',
    'if (this.#lines.delete(network)) this.#lines.set(network, line)',
    '',
  ),
  queue(
    'a network takes places from one that has hardly more',
    '(this.#lines.get(network)?.length ?? 0) + 2',
    '(this.#lines.get(network)?.length ?? 0) + 1',
  ),
  usable(
    'an initial password works a moment too long',
    'Number(passwordExpiresAt) > now',
    'Number(passwordExpiresAt) >= now',
  ),
]

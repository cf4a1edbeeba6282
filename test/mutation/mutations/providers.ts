import { inFile, type Mutation } from '../mutation.ts'

const flows = inFile('src/features/providers/flow-store.ts', [
  'test/api/provider-flow.test.ts',
  'test/api/provider-issuer.test.ts',
])
const client = inFile('src/features/providers/provider-client.ts', [
  'test/api/provider-flow.test.ts',
  'test/api/provider-id-token.test.ts',
])
const service = inFile('src/features/providers/provider.service.ts', [
  'test/api/provider-flow.test.ts',
  'test/api/provider-linking.test.ts',
])
const unlinking = inFile('src/features/providers/unlink-provider.ts', [
  'test/api/provider-linking.test.ts',
])
const bothHalves = inFile('src/features/providers/provider-flows.ts', [
  'test/api/provider-flow.test.ts',
])
const linking = inFile('src/features/providers/account-linking.ts', [
  'test/api/provider-linking.test.ts',
])
const first = inFile('src/features/providers/first-sign-in.ts', [
  'test/api/provider-email.test.ts',
  'test/api/reclaimed-account.test.ts',
])
const identities = inFile('src/features/providers/identities.ts', [
  'test/api/provider-issuer.test.ts',
  'test/api/provider-linking.test.ts',
])
const kept = inFile('src/features/providers/kept-tokens.ts', [
  'test/api/provider-token.test.ts',
  'test/api/provider-quirks.test.ts',
])
const reader = inFile('src/features/providers/profile-reader.ts', [
  'test/api/provider-quirks.test.ts',
  'test/api/provider-id-token.test.ts',
])

export const providers: readonly Mutation[] = [
  flows('a flow is answered under any state', 'and state_hash = ${digest(state)} and', 'and'),
  flows(
    'a flow is answered for longer than ten minutes',
    'and expires_at > ${this.#clock()}\n      returning',
    'and expires_at > 0\n      returning',
  ),
  flows(
    'a flow is answered twice',
    '}>`delete from provider_flows\n      where token_hash = ${digest(flowToken)}',
    '}>`update provider_flows set name = name\n      where token_hash = ${digest(flowToken)}',
  ),
  flows(
    'a flow that began with one provider is answered by another',
    'where token_hash = ${digest(flowToken)} and provider = ${provider.id}\n',
    'where token_hash = ${digest(flowToken)}\n',
  ),
  flows(
    'a flow that began with one issuer is answered by another',
    '        and (issuer is null or issuer = ${provider.issuer})\n',
    '',
  ),
  flows(
    'any number of flows is kept',
    'where (select count(*) from provider_flows) < ${maximumFlows}',
    'where (select count(*) from provider_flows) >= 0',
    { tests: ['test/api/provider-flow-limits.test.ts'] },
  ),
  client(
    'the nonce of an ID token is not compared',
    'expectedNonce: flow.nonce, idTokenExpected: true',
    'idTokenExpected: true',
  ),
  client('every flow has the same nonce', '{ nonce: flow.nonce }', "{ nonce: 'constant' }", {
    tests: ['test/api/provider-login.test.ts', 'test/api/provider-id-token.test.ts'],
  }),
  client(
    'the state is not compared by the library',
    'expectedState: flow.state,',
    'expectedState: answer.state,',
    {
      survives:
        'The flow is looked up by a digest of the state, so both are equal; the comparison is a second lock.',
    },
  ),
  client(
    'the PKCE challenge is announced as plain',
    "code_challenge_method: 'S256'",
    "code_challenge_method: 'plain'",
    { tests: ['test/api/provider-login.test.ts', 'test/api/provider-flow.test.ts'] },
  ),
  client(
    'the issuer in the response is ignored',
    "if (authorization.iss !== undefined) currentUrl.searchParams.set('iss', authorization.iss)",
    '',
  ),
  client(
    'the signature of an ID token is not verified',
    'openid.enableNonRepudiationChecks(config)',
    'void openid.enableNonRepudiationChecks',
  ),
  client(
    'identities of any issuer belong to the provider',
    'return known.includes(identity.issuer)',
    'return known.length > 0',
    { tests: ['test/api/provider-issuer.test.ts'] },
  ),
  client(
    'a renewal without a new refresh token loses the old one',
    'refreshToken: refresh_token ?? formerRefreshToken,',
    'refreshToken: refresh_token ?? null,',
    { tests: ['test/api/provider-token.test.ts'] },
  ),
  service(
    "a flow of one user links the provider's account to another",
    'FlowPurpose.SIGN_IN,\n      (flow) => flow.userId === userId,',
    'FlowPurpose.SIGN_IN,\n      () => true,',
  ),
  service(
    "linking another user's identity reports success",
    'if (identity.user.id !== userId) {',
    'if (identity.user.id === undefined) {',
  ),
  unlinking(
    'the only way to sign in is unlinked',
    'if (!isPasswordEnough && usableProvidersOf(left, clients).length === 0) {',
    'if (!isPasswordEnough && left.length < 0) {',
  ),
  unlinking(
    'a password without an address counts as a way to sign in',
    'user.email != null && isPasswordUsable(',
    'isPasswordUsable(',
  ),
  unlinking(
    'unlinking keeps the sessions that the provider began',
    'and method = ${providerId} and id <> ${sessionId}`',
    "and method = ${providerId} and id <> ${sessionId} and id = ''`",
  ),
  service(
    "another user's kept token is given",
    '{ user: userId, provider: providerId },',
    '{ provider: providerId },',
    { tests: ['test/api/provider-token.test.ts'] },
  ),
  bothHalves(
    'a redirect URI outside the list is taken',
    'if (!isAllowedRedirectUri(redirectUri, redirectUris)) {',
    'if (redirectUris.length < 0) {',
  ),
  inFile('src/core/sessions/live-session.ts', ['test/api/provider-linking.test.ts'])(
    'a session that has ended links an identity',
    'if (rows.length === 0) throw await refusalOf(tx, { sessionId, userId }, now)',
    '',
  ),
  linking(
    'an account that is linked has any address verified',
    '{ id: userId, email: emailOf(profile) })',
    '{ id: userId, email: (await tx.findOneOrFail(User, { id: userId })).email })',
    { tests: ['test/api/reclaimed-account.test.ts'] },
  ),
  first(
    'an address that the provider does not attest opens the account',
    'if (owner && !isAttested) return',
    'if (owner && email === undefined) return',
  ),
  first(
    'an account whose address was never verified is joined, not reclaimed',
    'if (owner && isAttested && !owner.emailVerified) {',
    'if (owner && isAttested && owner.emailVerified === undefined) {',
  ),
  first(
    'an address counts as verified without being attested',
    'emailVerified: email !== undefined && profile.emailVerified,',
    'emailVerified: email !== undefined,',
  ),
  identities(
    'an identity of another issuer opens its account',
    'requireIssuer(provider, identity)\n  return { user',
    'return { user',
  ),
  identities(
    'a user is found by the subject of any provider',
    'const key = { provider: provider.id, subject }',
    'const key = { subject }',
    { tests: ['test/api/provider-id-token.test.ts', 'test/api/provider-issuer.test.ts'] },
  ),
  kept(
    'a sign-in without a refresh token wipes the kept one',
    'coalesce(excluded.refresh_token_encrypted, provider_tokens.refresh_token_encrypted)',
    'excluded.refresh_token_encrypted',
    { tests: ['test/api/provider-quirks.test.ts'] },
  ),
  kept(
    'two calls renew one token at the same time',
    'and (renewing_until is null or renewing_until <= ${now})`',
    '`',
  ),
  kept(
    'a renewal overwrites what a sign-in has brought meanwhile',
    'where identity_id = ${identityId}\n          and refresh_token_encrypted = ${row.refresh_token_encrypted}`.execute(\n        this.#database.kysely,\n      )\n      if (result',
    'where identity_id = ${identityId}`.execute(\n        this.#database.kysely,\n      )\n      if (result',
  ),
  reader(
    'an ID token that was issued to another client is taken',
    'if (azp !== this.#config.clientMetadata().client_id) {',
    'if (azp === undefined) {',
  ),
  reader(
    'userinfo of another subject is ignored, and its tokens are used',
    'if (confusion) throw confusion',
    'void confusion',
  ),
  reader(
    'a token is sent to another origin that a page of a list names',
    'return url.origin === new URL(current).origin ? url.href : undefined',
    'return url.href',
    { tests: ['test/api/github-login.test.ts'] },
  ),
]

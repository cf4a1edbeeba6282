/** The two pages of the identity provider for trying out: who to be, and what to do with the response. */

/** Someone who can be signed in. */
export interface DevPerson {
  readonly sub: string
  readonly name: string
  readonly email: string | undefined
  /** Whether the provider says that the address is theirs. */
  readonly isProven: boolean
}

export function peoplePage(people: readonly DevPerson[]): string {
  const buttons = people.map(
    (person) =>
      `<button name="person" value="${escape(person.sub)}"><b>${escape(person.name)}</b> ${escape(addressOf(person))}</button>`,
  )
  return page(
    'Who do you want to be?',
    `<form method="post">${buttons.join('')}<button name="cancel" value="yes">Nobody: say no</button></form>`,
  )
}

function addressOf({ email, isProven }: DevPerson): string {
  if (email === undefined) return 'without an e-mail address'
  return `${email}, ${isProven ? 'proven' : 'not proven'}`
}

/** @param answer as the provider has sent it to the redirect URI */
export function answerPage(serverUrl: string, answer: URLSearchParams): string {
  const refusal = answer.get('error')
  if (refusal !== null) {
    return page(
      'The provider said no',
      `<p>It answered <code>${escape(refusal)}</code>, and there is no code. A client shows its sign-in page again.</p>`,
    )
  }
  const { code, state, iss } = Object.fromEntries(answer)
  const variables = { provider: 'dev', code, state, iss }
  const query =
    'mutation ($provider: String!, $code: String!, $state: String!, $flowToken: String!, $iss: String) { loginWithProvider(provider: $provider, code: $code, state: $state, flowToken: $flowToken, iss: $iss) { accessToken refreshToken user { email emailVerified name identities { provider } } } }'
  // Between single quotes; but for the flow token, which is the shell's own.
  const body = JSON.stringify({ query, variables: { flowToken: '@', ...variables } })
    .replaceAll("'", String.raw`'\''`)
    .replace('"@"', `"'"$flowToken"'"`)
  const command = `curl -s ${serverUrl}/graphql -H 'content-type: application/json' -d '${body}'`
  return page(
    'You are back',
    `<p>The browser was sent here, to the redirect URI, with a code. A front end would now call
      <code>loginWithProvider</code>. The code is good for ten minutes and for one use.</p>
    <h2>In the shell that has <code>$flowToken</code></h2>
    <pre>${escape(command)}</pre>
    <h2>In the Sandbox</h2>
    <p>As variables of <code>LoginWithProvider</code>, with the <code>flowToken</code> of the first step:</p>
    <pre>${escape(JSON.stringify({ ...variables, flowToken: '' }, null, 2))}</pre>`,
  )
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem }
  h1 { font-size: 1.5rem } h2 { font-size: 1rem; margin-top: 2rem }
  button { display: block; width: 100%; margin: .5rem 0; padding: .75rem 1rem; font: inherit; text-align: left; cursor: pointer }
  pre { padding: 1rem; background: #f2f2f2; color: #111; white-space: pre-wrap; overflow-wrap: anywhere }
  small { color: #666 }
</style>
<h1>${title}</h1>
${body}
<p><small>The identity provider of <code>npm run dev</code>, for trying out: it lets everybody be anybody.</small></p>
</html>
`
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/**
 * Apollo Sandbox at /graphql. Apollo's package makes the frame and relays its requests, so that no script
 * of another's runs at this origin; what is in the frame comes from Apollo.
 */
import { ApolloSandbox } from '@apollo/sandbox'
import { endpoint, readExamples, tokenHeader } from './examples.ts'

const frameOrigin = 'https://sandbox.embed.apollographql.com'
const timeoutMilliseconds = 10_000

const { document: operations, variables } = readExamples()
const sandbox = new ApolloSandbox({
  target: '#sandbox',
  initialEndpoint: endpoint,
  endpointIsEditable: false,
  initialState: {
    document: operations,
    variables,
    headers: tokenHeader,
    // Else the operations that take the refresh token from the cookie cannot be tried.
    includeCookies: true,
  },
  hideCookieToggle: false,
  // Whatever address the frame names.
  handleRequest: (_url: string, options: RequestInit) => fetch(endpoint, options),
  runTelemetry: false,
  allowDynamicStyles: false,
})
const frame = sandbox.embeddedSandboxIFrameElement
frame.title = 'Apollo Sandbox'

let isThere = false
// A frame does not say that it failed. That it lives shows in its first message.
addEventListener('message', ({ origin, source }) => {
  if (origin === frameOrigin && source === frame.contentWindow) show('sandbox')
})
setTimeout(reportUnreachable, timeoutMilliseconds)
fetch(frameOrigin, { mode: 'no-cors', cache: 'no-store', credentials: 'omit' }).catch(
  reportUnreachable,
)

function reportUnreachable(): void {
  if (!isThere) show('unreachable')
}

function show(what: 'sandbox' | 'unreachable'): void {
  isThere = what === 'sandbox'
  element('#sandbox').classList.toggle('is-there', isThere)
  element('#notice').hidden = isThere
  element('#loading').hidden = true
  element('#unreachable').hidden = isThere
}

function element(selector: string): HTMLElement {
  return document.querySelector<HTMLElement>(selector)!
}

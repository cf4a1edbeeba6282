/** docs/reference/configuration.md and .env.example, from the tables of variables in src/config. */
import {
  namesOf,
  providerNames,
  providerVariables,
  suffixesOf,
  type ProviderKind,
} from '../../src/config/provider-variables.ts'
import type { Variable } from '../../src/config/variable.ts'
import { variableGroups } from '../../src/config/variables.ts'

const groups = Object.entries<Record<string, Variable>>(variableGroups)

export function configuration(): string[] {
  return [
    '# Configuration',
    `Latchkey reads environment variables, and a file \`.env\` in its working directory. On one machine all of them are
optional. If a value is wrong, the server does not start, and prints every wrong variable at once.`,
    'Durations are a number and a unit: `90s`, `15m`, `12h`, `30d`.',
    ...groups.flatMap(([title, variables]) => [
      `## ${title}`,
      ...Object.entries(variables).flatMap(([name, variable]) => [
        `### \`${name}\``,
        variable.description,
        `Default: ${defaultInWords(variable)}`,
      ]),
    ]),
    '## Providers',
    `A provider is offered as soon as its required variables are set;
[how to set up each provider](../guides/providers.md).`,
    '`<PROVIDER>` stands for the name of a provider in capitals:',
    `${listOf(providerNames.map((name) => `\`${name.toUpperCase()}\``))}.`,
    `For any other OpenID Connect issuer it stands for \`OIDC_<NAME>\`, with a name that you choose: \`OIDC_ACME_ISSUER\`
adds the provider \`acme\`.`,
    ...Object.entries(providerVariables).flatMap(([suffix, { description }]) => [
      `### \`${headingOf(suffix)}\``,
      description,
      usersOf(suffix),
    ]),
  ]
}

export function environmentFile(): string {
  const blocks = [
    `# Copy this file to .env, readable only by you (chmod 600 .env), and change what you need.
# On one machine all of it is optional. Durations are a number and a unit: 90s, 15m, 12h, 30d.`,
    ...groups
      .flatMap(([, variables]) => Object.entries(variables))
      .map(([name, variable]) => {
        const fixed = typeof variable.default === 'string' ? variable.default : ''
        return [
          ...comment(variable.description),
          ...(fixed === '' ? comment(`Default: ${defaultInWords(variable)}`) : []),
          `#${name}=${fixed}`,
        ].join('\n')
      }),
    ...[...providerNames, 'openid'].map((kind) => providerBlock(kind as ProviderKind)),
  ]
  return `${blocks.join('\n\n')}\n`
}

function providerBlock(kind: ProviderKind): string {
  const { required, optional } = suffixesOf(kind)
  const prefix = kind === 'openid' ? 'OIDC_ACME' : kind.toUpperCase()
  const title =
    kind === 'openid'
      ? 'Sign-in with an OpenID Connect issuer; ACME is a name that you choose.'
      : `Sign-in with ${kind}.`
  return [
    ...comment(`${title} Required: ${required.join(', ')}. See docs/reference/configuration.md.`),
    ...[...required, ...optional].map((suffix) => `#${prefix}_${suffix}=`),
  ].join('\n')
}

/** Lines of at most 100 characters. */
function comment(text: string): string[] {
  const lines = text.match(/\S.{0,97}(?=\s|$)/g) ?? []
  return lines.map((line) => `# ${line}`)
}

function defaultInWords({ default: value }: Variable): string {
  if (value === undefined || value === '') return 'none'
  return typeof value === 'string' ? `\`${value}\`` : value.words
}

function isGeneral(suffix: string): boolean {
  return namesOf(suffix).length > 2
}

function headingOf(suffix: string): string {
  return isGeneral(suffix) ? `<PROVIDER>_${suffix}` : namesOf(suffix).join('`, `')
}

function usersOf(suffix: string): string {
  const kinds = [...providerNames, 'openid'] as ProviderKind[]
  const prefixes = (choose: (kind: ProviderKind) => readonly string[]) =>
    kinds
      .filter((kind) => choose(kind).includes(suffix))
      .map((kind) => (kind === 'openid' ? '`OIDC_<NAME>`' : `\`${kind.toUpperCase()}\``))
  const required = prefixes((kind) => suffixesOf(kind).required)
  const optional = prefixes((kind) => suffixesOf(kind).optional)
  const sentences = [
    required.length > 0 && `Required with ${of(required)}.`,
    optional.length > 0 && `Optional with ${of(optional)}.`,
  ]
  return sentences.filter((sentence) => sentence !== false).join(' ')

  function of(list: string[]): string {
    return list.length === kinds.length ? 'every provider' : listOf(list)
  }
}

function listOf(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

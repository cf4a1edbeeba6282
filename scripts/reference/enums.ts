/** docs/reference/errors.md and events.md, from the schema's descriptions and the table of error codes. */
import { readFileSync } from 'node:fs'
import { buildSchema, isEnumType } from 'graphql'
import { errorCodes, type ErrorCodes } from '../../src/core/errors.ts'
import { errorCodesOf } from '../../src/feature.ts'
import { features } from '../../src/features.ts'

const schema = buildSchema(
  readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'),
)

export function errors(): string[] {
  return [
    '# Errors',
    `A failure is one entry in \`errors\` of the response. Its \`extensions.code\` is API: a code keeps its name and its
meaning. [Handling errors](../guides/errors.md) has the HTTP statuses, and what a client does.`,
    '## Codes',
    ...valuesOf('ErrorCode', statusOf),
    '## Reasons',
    'What is wrong with a token: `extensions.reason` of `UNAUTHENTICATED` and `INVALID_REFRESH_TOKEN`.',
    ...valuesOf('TokenErrorReason'),
  ]
}

export function events(): string[] {
  return [
    '# Events',
    `The audit trail has these events. A user sees those of the own account with \`me { events }\`, an operator all of
them with \`npm run events\`.`,
    '## Types',
    ...valuesOf('EventType'),
    '## Reasons',
    'Why something failed, or why a session ended.',
    ...valuesOf('EventReason'),
    '## Actors',
    'Who caused it.',
    ...valuesOf('EventActor'),
  ]
}

function statusOf(code: string): string[] {
  const codes: ErrorCodes = { ...errorCodes, ...errorCodesOf(features) }
  const status = codes[code]?.status
  return status === undefined
    ? []
    : [`HTTP status: ${status}, if the operation failed for this reason alone.`]
}

/** @param more paragraphs after the description of a value */
function valuesOf(name: string, more: (value: string) => string[] = () => []): string[] {
  const type = schema.getType(name)
  if (!isEnumType(type)) throw new Error(`schema/schema.graphql has no enum ${name}`)
  return type
    .getValues()
    .flatMap((value) => [`### \`${value.name}\``, value.description ?? '', ...more(value.name)])
}

// Reading what the server said out of whatever carries it.
import { CombinedGraphQLErrors, ServerError as HttpError } from '@apollo/client'
import { CombinedError } from '@urql/core'
import { describe, expect, it } from 'vitest'
import {
  AuthError,
  ErrorCode,
  NetworkError,
  assertNever,
  errorCode,
  readServerError,
  type ServerError,
} from '../../client/index.ts'

const message = 'Too many attempts.'
const extensions = { code: 'RATE_LIMITED', retryAfter: 7 }
const said: ServerError = { code: 'RATE_LIMITED', retryAfter: 7, message }
const errors = [{ message, extensions }, { message: 'Another one.' }]

describe('readServerError', () => {
  it.each<[carrier: string, error: unknown]>([
    ['AuthError', new AuthError(said)],
    ['an answer', { data: null, errors }],
    ['Apollo Client', new CombinedGraphQLErrors({ errors })],
    [
      'Apollo Client, of an answer that is not 200',
      new HttpError('429', {
        response: new Response('', { status: 429 }),
        bodyText: JSON.stringify({ errors }),
      }),
    ],
    ['urql', new CombinedError({ graphQLErrors: errors })],
    ['urql, of the client’s fetch', new CombinedError({ networkError: new AuthError(said) })],
  ])('reads %s', (_carrier, error) => {
    expect(readServerError(error)).toEqual(said)
    expect(errorCode(error)).toBe('RATE_LIMITED')
  })

  it.each(['UNAUTHENTICATED', 'INVALID_REFRESH_TOKEN'] as const)(
    'takes a reason of %s that it does not know, of a newer server, for a token that is not good',
    (code) => {
      for (const reason of ['TOKEN_REVOKED', 'toString', null, 1]) {
        const error = { errors: [{ message, extensions: { code, reason } }] }
        expect(readServerError(error)).toEqual({ code, message, reason: 'TOKEN_INVALID' })
      }
      const known = { errors: [{ message, extensions: { code, reason: 'SESSION_ENDED' } }] }
      expect(readServerError(known)).toEqual({ code, message, reason: 'SESSION_ENDED' })
    },
  )

  it('takes UNAUTHENTICATED without a reason for the word of another service', () => {
    const error = { errors: [{ message, extensions: { code: 'UNAUTHENTICATED' } }] }
    const otherCode = 'UNAUTHENTICATED'
    expect(readServerError(error)).toEqual({ code: undefined, otherCode, message })
  })

  it.each<[what: string, error: unknown]>([
    ['a network that fails', new NetworkError('Not reached.')],
    ['the same in urql', new CombinedError({ networkError: new TypeError('Failed to fetch') })],
    ['an answer without errors', { data: {}, errors: [] }],
    [
      'a page of a proxy',
      new HttpError('502', {
        response: new Response('', { status: 502 }),
        bodyText: '<h1>Bad gateway</h1>',
      }),
    ],
    ['nothing', undefined],
    ['null', null],
    ['text', 'RATE_LIMITED'],
    ['an error of the page', new Error('RATE_LIMITED')],
  ])('reads nothing out of %s', (_what, error) => {
    expect(readServerError(error)).toBeUndefined()
    expect(errorCode(error)).toBeUndefined()
  })

  it.each([
    ['GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_VALIDATION_FAILED'],
    ['NOTE_TOO_LONG', 'NOTE_TOO_LONG'],
    // What every object has is not a code.
    ['constructor', 'constructor'],
    [7, undefined],
    [undefined, undefined],
  ])('gives no code for what is none of ours: %s', (code, otherCode) => {
    const error = { errors: [{ message, extensions: { code, secret: 1 } }] }
    expect(readServerError(error)).toEqual({ code: undefined, otherCode, message })
  })
})

describe('assertNever', () => {
  it('says what it did not expect', () => {
    expect(() => assertNever(ErrorCode.EMAIL_TAKEN as never)).toThrow('EMAIL_TAKEN')
  })
})

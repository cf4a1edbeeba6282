/** Hands on what a provider posts as a form (OAuth 2.0 Form Post Response Mode) to the redirect URI. */
import type { FastifyInstance } from 'fastify'
import type { Pace } from '../../http/refusals.ts'

export interface FormPostOptions {
  readonly pace: Pace
  readonly findRedirectUri: (posted: {
    readonly provider: string
    readonly state: string
    readonly user: string | null
  }) => Promise<string | undefined>
}

/** What is forwarded of the form. Anything else stays here, such as Apple's `user`. */
const forwarded = ['code', 'state', 'iss', 'error']
const formLimitBytes = 16 * 1024

/** A plugin of its own, so that forms are understood nowhere else, and nothing but forms here. */
export async function formPostCallback(
  app: FastifyInstance,
  options: FormPostOptions,
): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: formLimitBytes },
    (_request, body, done) => done(null, new URLSearchParams(body as string)),
  )
  app.post<{ Params: { provider: string } }>(
    '/providers/:provider/callback',
    async (request, reply) => {
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
      const redirectUri = await options.findRedirectUri({
        provider: request.params.provider,
        state: form.get('state') ?? '',
        user: form.get('user'),
      })
      if (redirectUri === undefined) {
        await new Promise<void>((resolve) => {
          options.pace(request, reply, resolve)
        })
        return reply.code(400).send({
          errors: [
            {
              message: 'This sign-in was started elsewhere, or has expired. Start again.',
              extensions: { code: 'INVALID_FLOW' },
            },
          ],
        })
      }
      const target = new URL(redirectUri)
      for (const name of forwarded) {
        const value = form.get(name)
        if (value !== null) target.searchParams.set(name, value)
      }
      // 303: the browser continues by GET, and does not post the form again.
      return reply.redirect(target.href, 303)
    },
  )
}

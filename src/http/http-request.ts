/** What the application needs to know of an HTTP request. */
import type { Logger } from './logger.ts'

export interface HttpRequest {
  readonly id: string
  readonly log: Logger
  readonly authorization: string | undefined
  readonly client: { readonly ip: string | undefined; readonly userAgent: string | undefined }
  readonly refreshCookie: {
    read(): string | undefined
    write(refreshToken: string, lifetimeSeconds: number): void
    clear(): void
  }
}

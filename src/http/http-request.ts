/** What the application needs to know of an HTTP request. */
import type { Logger } from '../logging/logger.ts'
import type { RequestRefreshCookie } from './refresh-cookie.ts'

export interface HttpRequest {
  readonly id: string
  readonly log: Logger
  readonly authorization: string | undefined
  readonly origin: { readonly ip: string | undefined; readonly userAgent: string | undefined }
  /** A field was refused: too many of these are delayed (refusal-pace.ts). */
  noteRefusal(): void
  /** A field has run that is open to everyone and costs much: too many of these are delayed, too. */
  noteCostlyField(): void
  readonly refreshCookie: RequestRefreshCookie
}

/** The query of a request's URL, with its question mark; empty if there is none. */
export function searchOf(url: string): string {
  const start = url.indexOf('?')
  return start === -1 ? '' : url.slice(start)
}

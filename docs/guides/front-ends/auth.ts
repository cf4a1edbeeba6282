/** Who is signed in: one client for the page, whatever library sends its operations. */
import { createAuthClient } from 'latchkey/client'

export const url = 'http://localhost:4000/graphql'

export const auth = createAuthClient({ url })

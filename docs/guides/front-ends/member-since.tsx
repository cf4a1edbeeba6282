/** An operation of your own, with a hook like those of latchkey/client/apollo. */
import { gql } from '@apollo/client'
import type { TypedDocumentNode } from 'latchkey/client'
import { queryHook } from 'latchkey/client/apollo'

const MemberSinceDocument: TypedDocumentNode<{ me: { createdAt: string } }, {}> = gql`
  query MemberSince {
    me {
      createdAt
    }
  }
`

const useMemberSinceQuery = queryHook(MemberSinceDocument)

export function MemberSince() {
  const { data } = useMemberSinceQuery()
  return data ? <p>Member since {new Date(data.me.createdAt).getFullYear()}</p> : null
}

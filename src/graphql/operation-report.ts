/** Reports, of each operation that got a response, its root fields and what came of them. */
import type { ApolloServerPlugin, BaseContext } from '@apollo/server'
import {
  Kind,
  type DocumentNode,
  type GraphQLFormattedError,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql'

/** An operation that got a response. */
export interface OperationReport {
  /** The root fields, each with `OK` or the code of its error. */
  readonly fields: readonly { readonly name: string; readonly outcome: string }[]
  readonly seconds: number
}

interface RootField {
  readonly name: string
  /** Under which its errors come. */
  readonly key: string
}

/** What was not executed has no field, and what was lost no outcome. */
const nothing = '(none)'

/** Names come out of a document that the schema has admitted: there are no more than the schema has. */
export function operationReporter<C extends BaseContext>(
  report: (report: OperationReport) => void,
): ApolloServerPlugin<C> {
  // Apollo keeps parsed documents, so that an operation is looked at once.
  const known = new WeakMap<OperationDefinitionNode, readonly RootField[]>()
  return {
    requestDidStart: async () => {
      const startedAt = performance.now()
      let fields: readonly RootField[] | undefined
      return {
        async responseForOperation({ document, operation }) {
          fields = known.get(operation)
          if (!fields) {
            fields = rootFieldsOf(document, operation)
            known.set(operation, fields)
          }
          return null
        },
        async willSendResponse({ response }) {
          if (response.body.kind !== 'single') return
          const { data, errors = [] } = response.body.singleResult
          const seconds = (performance.now() - startedAt) / 1000
          const outcomes = fields?.map(({ name, key }) => {
            const error = errors.find(({ path }) => path === undefined || path[0] === key)
            // Next to a field that failed for all, another may not even have started.
            return { name, outcome: error ? codeOf(error) : data == null ? nothing : 'OK' }
          })
          report({ seconds, fields: outcomes ?? [{ name: nothing, outcome: codeOf(errors[0]) }] })
        },
      }
    },
  }
}

function codeOf(error: GraphQLFormattedError | undefined): string {
  const code = error?.extensions?.['code']
  return typeof code === 'string' ? code : nothing
}

function rootFieldsOf(document: DocumentNode, operation: OperationDefinitionNode): RootField[] {
  const fields = new Map<string, RootField>()
  const visited = new Set<string>()
  const visit = (selections: readonly SelectionNode[]): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value
        const key = selection.alias?.value ?? name
        fields.set(key, { name, key })
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        visit(selection.selectionSet.selections)
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value)
        const fragment = document.definitions.find(
          (definition) =>
            definition.kind === Kind.FRAGMENT_DEFINITION &&
            definition.name.value === selection.name.value,
        )
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) visit(fragment.selectionSet.selections)
      }
    }
  }
  visit(operation.selectionSet.selections)
  return [...fields.values()]
}

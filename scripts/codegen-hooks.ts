/**
 * A plugin for graphql-codegen: one React hook for each operation but for those that the client has to
 * notice, over its typed document.
 *
 * The hooks call Apollo's own (client/hooks.ts), so that what Apollo Client does with them, and the
 * types of its next version, need no new generator.
 */
import {
  Kind,
  OperationTypeNode,
  TypeInfo,
  getNamedType,
  print,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'

interface Config {
  /** The file with the typed documents, as the hooks import it. */
  readonly documentsFrom: string
  /** The file with `queryHook` and `mutationHook`, as the hooks import it. */
  readonly factoriesFrom: string
  /** Types of which an operation with a field of them has no hook. */
  readonly withoutHooks: readonly string[]
}

export function plugin(
  schema: GraphQLSchema,
  files: { readonly document?: DocumentNode }[],
  { documentsFrom, factoriesFrom, withoutHooks }: Config,
) {
  const operations = files.flatMap(({ document }) =>
    (document?.definitions ?? []).filter(
      (definition) => definition.kind === Kind.OPERATION_DEFINITION,
    ),
  )
  const withHooks = operations.filter((operation) =>
    typesOf(operation, schema).isDisjointFrom(new Set(withoutHooks)),
  )
  return {
    prepend: [
      `import * as Documents from '${documentsFrom}'`,
      `import { mutationHook, queryHook } from '${factoriesFrom}'`,
    ],
    content: `\n${withHooks.map((operation) => printHook(operation, schema)).join('\n\n')}\n`,
  }
}

/** The names of the types of the operation's fields, however deep. */
function typesOf(operation: OperationDefinitionNode, schema: GraphQLSchema): Set<string> {
  const names = new Set<string>()
  const info = new TypeInfo(schema)
  const enter = () => void names.add(getNamedType(info.getType())?.name ?? '')
  visit(operation, visitWithTypeInfo(info, { Field: { enter } }))
  return names
}

function printHook(operation: OperationDefinitionNode, schema: GraphQLSchema): string {
  const name = operation.name?.value
  if (name === undefined || !/^[A-Z]/.test(name)) {
    throw new Error(`An operation's name begins with a capital letter, unlike ${name ?? '(none)'}`)
  }
  if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
    throw new Error(`There are no hooks for subscriptions, such as ${name}`)
  }
  const [kind, factory] =
    operation.operation === OperationTypeNode.QUERY
      ? ['Query', 'queryHook']
      : ['Mutation', 'mutationHook']
  const comment = printComment(describe(operation, schema))
  return `${comment}export const use${name}${kind} = /* @__PURE__ */ ${factory}(Documents.${name}Document)`
}

interface SelectedField {
  readonly node: FieldNode
  readonly field: GraphQLField<unknown, unknown>
}

/** What the schema says of the fields that the operation asks for, and of its variables. */
function describe(operation: OperationDefinitionNode, schema: GraphQLSchema): string[] {
  const fields = schema.getRootType(operation.operation)?.getFields() ?? {}
  return operation.selectionSet.selections.flatMap((node) => {
    const field = node.kind === Kind.FIELD ? fields[node.name.value] : undefined
    if (node.kind !== Kind.FIELD || !field) return []
    const variables = describeVariables({ node, field })
    return [
      ...(field.description ? [field.description] : []),
      ...describeAccess(field),
      ...(variables.length > 0 ? [variables.join('\n')] : []),
    ]
  })
}

function describeAccess({ astNode }: GraphQLField<unknown, unknown>): string[] {
  return (astNode?.directives ?? [])
    .filter(({ name }) => name.value === 'authenticated' || name.value === 'requiresRole')
    .map((directive) => `Guarded: \`${print(directive)}\`.`)
}

function describeVariables({ node, field }: SelectedField): string[] {
  return (node.arguments ?? []).flatMap(({ name, value }) => {
    const description = field.args.find((argument) => argument.name === name.value)?.description
    if (value.kind !== Kind.VARIABLE || !description) return []
    return [`- \`${value.name.value}\`: ${description}`]
  })
}

function printComment(paragraphs: string[]): string {
  if (paragraphs.length === 0) return ''
  const lines = paragraphs.join('\n\n').replaceAll('*/', '* /').split('\n')
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`
}

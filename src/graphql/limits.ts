/** What one operation may ask for, measured on its document before anything of it is executed. */
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  type ASTVisitor,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql'
import { AppError, ErrorCode } from '../core/errors.ts'

/** Counted over everything that an operation would execute, fragments as often as they are spread. */
export interface Limits {
  /** Lexical tokens of the whole document. */
  readonly tokens: number
  /** Levels of fields. */
  readonly depth: number
  readonly aliases: number
  readonly directives: number
  /** A field costs 1, or its `complexity`; what is selected below a list costs ten times as much. */
  readonly cost: number
}

/** Room for the widest operation of a client, and for five sign-ins at most. */
export const defaultLimits: Limits = {
  tokens: 1000,
  depth: 8,
  aliases: 15,
  directives: 20,
  cost: 300,
}

const listFactor = 10

interface Measure {
  depth: number
  aliases: number
  directives: number
  cost: number
}

/** A validation rule, so that a document is measured once and remembered with its verdict. */
export function limitsRule(limits: Limits) {
  return (context: ValidationContext): ASTVisitor => ({
    Document: {
      enter: (document) => {
        const exceeded = findExceeded(document, context.getSchema(), limits)
        if (exceeded) context.reportError(exceeded)
      },
    },
  })
}

function findExceeded(
  document: DocumentNode,
  schema: GraphQLSchema,
  limits: Limits,
): GraphQLError | undefined {
  const meter = new Meter(schema, document)
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    const root = schema.getRootType(definition.operation ?? OperationTypeNode.QUERY) ?? undefined
    const measure = meter.measure(definition.selectionSet, root)
    measure.directives += definition.directives?.length ?? 0
    for (const name of ['depth', 'aliases', 'directives', 'cost'] as const) {
      if (measure[name] > limits[name]) return tooComplex(name, limits[name])
    }
  }
  return undefined
}

/** An operation exceeds a limit; the client learns which, and how high it is. */
export function tooComplex(name: keyof Limits, limit: number): GraphQLError {
  const error = new AppError(
    ErrorCode.QUERY_TOO_COMPLEX,
    `The operation exceeds the limit on ${name} (${limit}).`,
  )
  return new GraphQLError(error.message, { originalError: error })
}

class Meter {
  readonly #schema: GraphQLSchema
  readonly #fragments = new Map<string, FragmentDefinitionNode>()
  /** Each fragment is measured once, however often it is spread: sums grow, work does not. */
  readonly #measured = new Map<string, Measure>()

  constructor(schema: GraphQLSchema, document: DocumentNode) {
    this.#schema = schema
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) {
        this.#fragments.set(definition.name.value, definition)
      }
    }
  }

  measure(selectionSet: SelectionSetNode, parent: GraphQLNamedType | undefined): Measure {
    const total = emptyMeasure()
    for (const selection of selectionSet.selections) {
      total.directives += selection.directives?.length ?? 0
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const type = selection.typeCondition
          ? this.#schema.getType(selection.typeCondition.name.value)
          : parent
        add(total, this.measure(selection.selectionSet, type))
      } else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        add(total, this.#measureFragment(selection.name.value))
      } else {
        if (selection.alias) total.aliases += 1
        const name = selection.name.value
        const field =
          isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined
        const type = field && getNamedType(field.type)
        const below = selection.selectionSet
          ? this.measure(selection.selectionSet, isCompositeType(type) ? type : undefined)
          : emptyMeasure()
        const isList = field !== undefined && isListType(getNullableType(field.type))
        // Introspection is nested deep by nature; graphql-js has a rule of its own for it.
        const isIntrospection = name.startsWith('__')
        add(total, {
          ...below,
          depth: isIntrospection ? 0 : below.depth + 1,
          cost: isIntrospection
            ? 0
            : ownCost(field?.extensions) + below.cost * (isList ? listFactor : 1),
        })
      }
    }
    return total
  }

  #measureFragment(name: string): Measure {
    const known = this.#measured.get(name)
    if (known) return known
    const fragment = this.#fragments.get(name)
    // A fragment that spreads itself counts as empty here; another rule refuses it.
    this.#measured.set(name, emptyMeasure())
    if (!fragment) return emptyMeasure()
    const measure = this.measure(
      fragment.selectionSet,
      this.#schema.getType(fragment.typeCondition.name.value),
    )
    measure.directives += fragment.directives?.length ?? 0
    this.#measured.set(name, measure)
    return measure
  }
}

function emptyMeasure(): Measure {
  return { depth: 0, aliases: 0, directives: 0, cost: 0 }
}

function add(total: Measure, part: Measure): void {
  total.depth = Math.max(total.depth, part.depth)
  total.aliases += part.aliases
  total.directives += part.directives
  total.cost += part.cost
}

function ownCost(extensions: Readonly<Record<string, unknown>> | undefined): number {
  const complexity = extensions?.['complexity']
  return typeof complexity === 'number' ? complexity : 1
}

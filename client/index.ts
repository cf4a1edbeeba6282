/** What a front end imports: typed documents, React hooks for Apollo Client 4, the schema's types. */
export * from './error.ts'
export * from './generated/hooks.ts'
export * from './generated/operations.ts'
export * from './generated/schema.ts'

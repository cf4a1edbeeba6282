// What many write by hand: Apollo Server as it comes, jsonwebtoken, bcryptjs on the event loop, SQLite.
// No session, so nothing can be revoked; no limits, no log.
import { randomUUID } from 'node:crypto'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import bcrypt from 'bcryptjs'
import Sqlite from 'better-sqlite3'
import { GraphQLError } from 'graphql'
import jwt from 'jsonwebtoken'

const { BENCH_DATABASE, BENCH_SECRET, BENCH_COST, PORT } = process.env
const database = new Sqlite(BENCH_DATABASE)
database.pragma('journal_mode = WAL')
database.exec(
  'create table if not exists users (id text primary key, email text unique, name text, roles text, password text)',
)
const byId = database.prepare('select * from users where id = ?')
const byEmail = database.prepare('select * from users where email = ?')
const insert = database.prepare('insert into users values (?, ?, ?, ?, ?)')

const typeDefs = `#graphql
  type User { id: ID! email: String! name: String roles: [String!]! }
  type AuthPayload { accessToken: String! user: User! }
  type Query { me: User! protected: String! }
  type Mutation {
    register(email: String!, password: String!, name: String): AuthPayload!
    login(email: String!, password: String!): AuthPayload!
  }
`
const toUser = (row) => ({ ...row, roles: JSON.parse(row.roles) })
const payload = (row) => ({
  accessToken: jwt.sign({ sub: row.id }, BENCH_SECRET, { expiresIn: '2h' }),
  user: toUser(row),
})
const signedIn = ({ user }) => {
  if (!user) throw new GraphQLError('Sign in', { extensions: { code: 'UNAUTHENTICATED' } })
  return user
}
const resolvers = {
  Query: {
    me: (_root, _arguments, context) => signedIn(context),
    protected: (_root, _arguments, context) => `Hello, ${signedIn(context).email}!`,
  },
  Mutation: {
    register: async (_root, { email, password, name }) => {
      const hash = await bcrypt.hash(password, Number(BENCH_COST))
      const id = randomUUID()
      insert.run(id, email.toLowerCase(), name ?? null, '["USER"]', hash)
      return payload(byId.get(id))
    },
    login: async (_root, { email, password }) => {
      const row = byEmail.get(email.toLowerCase())
      if (!row || !(await bcrypt.compare(password, row.password))) {
        throw new GraphQLError('Wrong e-mail or password')
      }
      return payload(row)
    },
  },
}

await startStandaloneServer(new ApolloServer({ typeDefs, resolvers }), {
  listen: { port: Number(PORT), host: '127.0.0.1' },
  context: async ({ req }) => {
    const token = req.headers.authorization?.replace(/^Bearer /, '')
    if (!token) return {}
    try {
      const row = byId.get(jwt.verify(token, BENCH_SECRET, { algorithms: ['HS256'] }).sub)
      return { user: row && toUser(row) }
    } catch {
      return {}
    }
  },
})

/** GraphiQL at /graphiql: what Apollo Sandbox does, without a call to anyone but this server. */
import 'graphiql/setup-workers/vite'
import 'graphiql/style.css'
import { createGraphiQLFetcher } from '@graphiql/toolkit'
import { GraphiQL } from 'graphiql'
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { endpoint, readExamples, tokenHeader } from './examples.ts'

const examples = readExamples()
const variables = JSON.stringify(examples.variables, null, 2)
const headers = JSON.stringify(tokenHeader, null, 2)
// Variables have passwords in them: they are kept no longer than the browser's tab.
const storage = sessionStorage
const isFirstVisit = storage.getItem('graphiql:tabState') === null

createRoot(document.querySelector('#graphiql')!).render(
  createElement(GraphiQL, {
    fetcher: createGraphiQLFetcher({ url: endpoint }),
    // One tab for all, as in Sandbox: the token is then pasted once.
    defaultTabs: [{ query: examples.document, variables, headers }],
    ...(isFirstVisit ? { initialVariables: variables } : {}),
    defaultHeaders: headers,
    defaultEditorToolsVisibility: 'variables',
    schemaDescription: true,
    inputValueDeprecation: true,
    storage,
    showPersistHeadersSettings: false,
  }),
)

// Runs for each test file. Files share a worker process, so nothing that one of them changes may reach the next.
import { afterAll, vi } from 'vitest'
import { endFile } from './at-end-of-file.ts'

const environment = { ...process.env }
const cwd = process.cwd()

afterAll(async () => {
  await endFile()
  vi.useRealTimers()
  vi.unstubAllGlobals()
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
  if (process.cwd() !== cwd) process.chdir(cwd)
})

// docs/guides/systemd, run: what the unit starts, in the folder and with the variables that the guide names.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, it } from 'vitest'
import { needs } from '../support/needs.ts'
import { startProcess, temporaryFolder } from '../support/process.ts'

const root = join(import.meta.dirname, '../..')
const unitFile = join(root, 'docs/guides/systemd/latchkey@.service')
const unit = readFileSync(unitFile, 'utf8')
const guide = readFileSync(join(root, 'docs/guides/systemd.md'), 'utf8')

/** The one value of a directive, for the instance `main`. */
function valueOf(directive: string): string {
  const lines = unit.split('\n').filter((line) => line.startsWith(`${directive}=`))
  expect(lines).toHaveLength(1)
  return lines[0]!.slice(directive.length + 1).replaceAll('%i', 'main')
}

it('the unit of docs/guides/systemd.md is understood by systemd', needs('systemd-analyze'), () => {
  // As an instance: systemd verifies no template.
  const instance = join(temporaryFolder(), 'latchkey@main.service')
  // The program and the user need not be on this machine.
  writeFileSync(
    instance,
    unit.replaceAll('/usr/bin/node', process.execPath).replaceAll('=latchkey\n', '=root\n'),
  )
  const parameters = ['verify', '--man=no', '--recursive-errors=no', instance]
  const { status, stderr } = spawnSync('systemd-analyze', parameters, { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
})

it('the unit of docs/guides/systemd.md starts as npm start does, in a folder for each instance', async () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [node, ...parameters] = valueOf('ExecStart').split(' ')
  expect(node).toBe('/usr/bin/node')
  expect(scripts.start).toMatch(
    new RegExp(`exec node ${parameters.join(' ').replace('/opt/latchkey/', '')}$`),
  )
  expect(valueOf('WorkingDirectory')).toBe(`/var/lib/${valueOf('StateDirectory')}`)
  expect(valueOf('WorkingDirectory')).toMatch(/\/main$/)
  expect(valueOf('EnvironmentFile')).toBe('/etc/latchkey/main.env')
  expect(guide).toContain(valueOf('EnvironmentFile'))

  const main = parameters.at(-1)!.replace('/opt/latchkey', root)
  const variables = parseEnv(/```ini\n([^]*?)```/.exec(guide)![1]!) as Record<string, string>
  const secret = 'a secret that only the tests of this repository use'
  const folder = temporaryFolder()
  const server = startProcess(folder, { ...variables, APP_SECRET: secret, PORT: '0' }, { main })
  const url = await server.ready
  expect((await fetch(`${url}/health/ready`)).status).toBe(200)
  expect(server.stdout()).toContain(`Public     ${variables['PUBLIC_URL']}\n`)
  expect(server.stdout()).not.toContain('Warning')
  // Its data are where the unit lets it write.
  expect(existsSync(join(folder, 'data', 'latchkey.db'))).toBe(true)
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
})

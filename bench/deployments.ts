/** The same load on one process and on several, on SQLite and on PostgreSQL, next to the bare server. */
import { join } from 'node:path'
import { load, type Outcome, type Source } from './load.ts'
import { startDatabaseServer } from './postgresql.ts'
import { describe, medians, median, ratio } from './report.ts'
import { bcryptjsAlone, connections, interleave, type Settings } from './scenarios.ts'
import type { Server } from './servers.ts'
import { bare, latchkey, sharedByInstances, startLatchkey, type Subject } from './subjects.ts'

interface Deployment {
  readonly name: string
  /** Its instances. */
  readonly servers: readonly Server[]
  readonly subject: Subject
}

/** @returns a table: what each deployment does, and its ratio to the bare server's or to bcryptjs alone */
export async function measureDeployments(settings: Settings, folder: string): Promise<string> {
  const databases = await startDatabaseServer()
  const deployments: Deployment[] = []
  try {
    const [bareServer] = await bare(folder)
    deployments.push(single('bare, HS256', bareServer))
    // Each is on the list before the next one starts: what is on it is stopped, whatever happens.
    const one = await latchkey(join(folder, 'sqlite-1'), 'two')
    deployments.push(single('SQLite, one process', one))
    const two = await latchkey(join(folder, 'sqlite-2'), 'two', { WORKERS: '2' })
    deployments.push(single('SQLite, `WORKERS=2`', two))
    for (const instances of [1, 2]) {
      const environment = {
        ...sharedByInstances,
        DATABASE_URL: await databases.createDatabase(`instances_${instances}`),
      }
      const place = (index: number) => join(folder, `postgresql-${instances}-${index}`)
      const subject = await latchkey(place(0), 'two', environment)
      const servers = [subject.server]
      deployments.push({
        name: `PostgreSQL, ${instances === 1 ? 'one instance' : 'two instances'}`,
        servers,
        subject,
      })
      while (servers.length < instances) {
        servers.push(await startLatchkey(place(servers.length), 'two', environment))
      }
    }
    return await compare(deployments, settings)
  } finally {
    await Promise.all(deployments.flatMap(({ servers }) => servers.map((server) => server.stop())))
    await databases.stop()
  }
}

function single(name: string, subject: Subject): Deployment {
  return { name, servers: [subject.server], subject }
}

async function compare(deployments: readonly Deployment[], settings: Settings): Promise<string> {
  const { seconds } = settings
  const measure =
    (of: (subject: Subject) => Promise<Source[]>) =>
    async ({ servers, subject }: Deployment) => {
      const origins = servers.map(({ origin }) => origin)
      return load(origins, await of(subject), { seconds })
    }
  const me = measure(async (subject) => connections(subject.me, 32))
  for (const deployment of deployments) await me(deployment)

  const ofMe = await interleave(deployments, settings, me)
  const ofRefresh = await interleave(
    deployments,
    settings,
    measure((subject) => Promise.all(connections(subject.refresh!, 8))),
  )
  const alone = Array.from({ length: settings.rounds }, () => bcryptjsAlone(seconds))
  const ofLogin = await interleave(
    deployments.filter(({ subject }) => subject.login),
    settings,
    measure(async (subject) => connections(subject.login!, 8)),
  )
  const cell = (outcomes: readonly Outcome[] | undefined, reference: number) => {
    if (!outcomes) return ''
    const figures = medians(outcomes)
    return `${describe(figures)}: ${ratio(figures.rps, reference)}`
  }
  const bareRate = (samples: typeof ofMe) => medians(samples.get(deployments[0]!)!).rps
  return [
    '| | `me`, 32 connections | `refreshToken`, 8 | `login`, 8 |',
    '| --- | --- | --- | --- |',
    ...deployments.map((deployment) =>
      [
        `| ${deployment.name}`,
        cell(ofMe.get(deployment), bareRate(ofMe)),
        cell(ofRefresh.get(deployment), bareRate(ofRefresh)),
        `${cell(ofLogin.get(deployment), median(alone))} |`,
      ].join(' | '),
    ),
    '',
    'After the colon, the ratio to the bare server, which has one core; of `login`, to bcryptjs alone on one core. All others have two cores. PostgreSQL runs on the same ones, and so does the client on a machine that has no third. Connections are dealt to the instances in turn.',
  ].join('\n')
}

import { execFileSync, spawn } from 'node:child_process'
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { percentiles, sum } from './figures.ts'
import type { Instance } from './instance.ts'
import { spawnInstance } from './instance.ts'
import { brokenInvariants, lostWrites } from './invariants.ts'
import { Journal } from './journal.ts'
import { MaskedFailures } from './masked-failures.ts'
import { sqliteAt, type Lab, type LabDatabase, type Scenario } from './lab.ts'

const clients = 4
const diskBytes = 8 * 1024 * 1024
/** How many writes must have failed before the fault is over. */
const failuresWanted = 20
/** From the first write to the fault. */
const mostMilliseconds = 300
/** For the failures to come in. */
const patienceMilliseconds = 60_000
const env = { REFRESH_GRACE: '5m' }

/** Makes writes fail. @returns what ends that */
type Fault = (folder: string, instance: Instance) => Promise<() => Promise<void>>

export const diskFaults: Scenario = {
  name: 'disk-faults',
  shows:
    'A full disk and I/O errors: writes get a masked 503, reads go on, nothing is lost, and it is over when the fault is.',
  engines: ['sqlite'],
  rounds: { short: 2, long: 40 },
  needs: ['mount', 'strace'],
  async run(lab) {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-torture-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', folder])
    lab.onEnd(() => {
      execFileSync('umount', ['--lazy', folder])
      rmdirSync(folder)
    })
    const database = sqliteAt(join(folder, 'latchkey.db'))
    let instance = await lab.start(database, { env })
    const counts = { faults: 0, 'reads meanwhile': 0, 'starts on a full disk': 0 }
    const failures = new MaskedFailures()
    const violations: string[] = []
    const recoveryMilliseconds: number[] = []
    const journals = Array.from(
      { length: clients },
      (_, index) =>
        new Journal({
          client: () => failures.watch(instance.client),
          random: lab.random,
          name: `client${index}`,
        }),
    )
    const reader = await instance.client.register()

    for (let round = 0; round < lab.rounds; round += 1) {
      const isFull = round % 2 === 0
      let isOver = false
      const writing = journals.map((journal) => journal.writeUntil(() => isOver))
      await Promise.race(journals.map((journal) => journal.nextAcknowledgement()))
      await sleep(lab.random.between(0, mostMilliseconds))
      const endFault = await (isFull ? fillDisk : failWrites)(folder, instance)
      const failuresBefore = failures.count
      const givesUpAt = performance.now() + patienceMilliseconds
      while (failures.count < failuresBefore + failuresWanted) {
        if (performance.now() > givesUpAt) {
          violations.push('writes do not fail, or get no answer')
          break
        }
        const me = await instance.client.as(reader.accessToken).send('{ me { email } }')
        if (me.data?.me?.email !== reader.email) violations.push(`a read says ${me.text}`)
        counts['reads meanwhile'] += 1
        if (instance.status() !== undefined) break
        await sleep(10)
      }
      if (isFull && round % 4 === 2) {
        isOver = true
        await instance.kill()
        await Promise.all(writing)
        await startOnFullDisk(lab, database, violations)
        counts['starts on a full disk'] += 1
      }
      const endedAt = performance.now()
      await endFault()
      if (isOver) {
        instance = await lab.start(database, { port: instance.port, env })
      } else {
        await Promise.race(journals.map((journal) => journal.nextAcknowledgement()))
        isOver = true
        recoveryMilliseconds.push(performance.now() - endedAt)
        await Promise.all(writing)
      }
      counts.faults += 1
      if (instance.status() !== undefined) {
        violations.push(`the server has ended: ${instance.output()}`)
        break
      }
      await Promise.all(journals.map((journal) => journal.verify()))
      violations.push(...(await brokenInvariants(database)))
      lab.progress(`${round + 1} of ${lab.rounds} faults`)
    }
    violations.push(
      ...failures.violations,
      ...journals.flatMap((journal) => journal.violations),
      ...(await lostWrites(
        database,
        journals.flatMap((journal) => journal.accounts),
      )),
    )
    return {
      counts: {
        ...counts,
        'masked 503': failures.count,
        acknowledged: sum(journals.map((journal) => journal.counts.acknowledged)),
        unanswered: sum(journals.map((journal) => journal.counts.unanswered)),
        'recovery, ms': percentiles(recoveryMilliseconds),
      },
      violations,
    }
  },
}

/** A file takes all the room that is left. */
const fillDisk: Fault = async (folder) => {
  const ballast = join(folder, 'ballast')
  const file = openSync(ballast, 'w')
  for (const size of [64 * 1024, 4096, 1]) {
    const block = Buffer.alloc(size)
    try {
      for (;;) writeSync(file, block)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
  fsyncSync(file)
  closeSync(file)
  return async () => rmSync(ballast)
}

const writes = 'pwrite64,fsync,fdatasync'

/** The kernel answers the server's writes to files with EIO. */
const failWrites: Fault = async (_folder, { pid }) => {
  const tracer = spawn(
    'strace',
    [
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      '-e',
      `trace=${writes}`,
      '-e',
      `inject=${writes}:error=EIO`,
      '-p',
      String(pid),
    ],
    { stdio: 'ignore' },
  )
  const ended = new Promise((resolve) => {
    tracer.once('close', resolve)
  })
  return async () => {
    tracer.kill('SIGINT')
    await ended
  }
}

/** It may start or not; if not, it says why, and leaves everything as it was. */
async function startOnFullDisk(
  lab: Lab,
  database: LabDatabase,
  violations: string[],
): Promise<void> {
  const { child, output, ended, status } = spawnInstance({ databaseUrl: database.url, env })
  lab.onEnd(() => child.kill('SIGKILL'))
  while (status() === undefined && !output().includes('listening on')) await sleep(20)
  if (status() === undefined) {
    child.kill('SIGKILL')
    await ended
  } else if (!output().includes('the disk is full')) {
    violations.push(`a start on a full disk says ${output()}`)
  }
}

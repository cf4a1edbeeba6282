/**
 * The last lines of a run: what the machine does not have, and which tests were therefore not run. With TEST_COUNTS it
 * also writes how many tests of each project ran, for .ci/run.
 */
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node'
import { hintOf, missing, type Need } from './needs.ts'

export default class SummaryReporter implements Reporter {
  #root = ''

  onInit({ config }: Vitest): void {
    this.#root = config.root
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const notRun = new Map<Need, Map<string, number>>()
    const counts: Record<string, Record<string, number>> = {}
    for (const module of modules) {
      const file = relative(this.#root, module.moduleId)
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        const ofProject = (counts[module.project.name] ??= {})
        ofProject[state] = (ofProject[state] ?? 0) + 1
        for (const need of state === 'skipped' ? lacksOf(test) : []) {
          const files = notRun.get(need) ?? new Map<string, number>()
          notRun.set(need, files.set(file, (files.get(file) ?? 0) + 1))
        }
      }
    }
    const countsFile = process.env['TEST_COUNTS']
    if (countsFile !== undefined) {
      writeFileSync(countsFile, JSON.stringify({ counts, missing: [...notRun.keys()] }))
    }
    console.log(describe(notRun))
  }
}

/** A test may lack what its group needs, or its whole project. */
function lacksOf(test: TestCase): readonly Need[] {
  const ofProject = test.project.getProvidedContext().lacks
  if (ofProject !== undefined) return [ofProject]
  for (let at: TestCase['parent'] | TestCase = test; at.type !== 'module'; at = at.parent) {
    const { lacks } = at.meta()
    if (lacks !== undefined) return lacks
  }
  return []
}

function describe(notRun: ReadonlyMap<Need, ReadonlyMap<string, number>>): string {
  const lines = missing().map((need) => {
    const files = [...(notRun.get(need) ?? [])].map(([file, count]) => `${count} in ${file}`)
    const tests =
      files.length === 0 ? 'no test of this run needs it' : `not run: ${files.join(', ')}`
    return `  ${need} (${hintOf(need)})\n    ${tests}`
  })
  return lines.length === 0
    ? ' This machine has everything that the tests need.\n'
    : [' Missing on this machine:', ...lines, ''].join('\n')
}

/** The scenarios as tests of an engine: few rounds, the same promises. */
import { afterAll, describe, expect, it } from 'vitest'
import { needs } from '../support/needs.ts'
import { Laboratory, needsOf, type Engine } from './lab.ts'
import { scenarios } from './scenarios.ts'

export function testScenarios(engine: Engine): void {
  const laboratory = new Laboratory()
  afterAll(() => laboratory.close())
  const seed = Date.now() % 1_000_000

  describe(`torture on ${engine}, seed ${seed}`, () => {
    for (const scenario of scenarios) {
      if (!scenario.engines.includes(engine)) continue
      it(`${scenario.name}: ${scenario.shows}`, needs(...needsOf(scenario, engine)), async () => {
        const { short } = scenario.rounds
        const { violations } = await laboratory.run(scenario, {
          engine,
          seed,
          rounds: short,
        })
        expect(violations).toEqual([])
      })
    }
  })
}

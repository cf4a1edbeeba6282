import { databaseRestarts } from './database-restarts.ts'
import { diskFaults } from './disk-faults.ts'
import { killAroundRefresh } from './kill-around-refresh.ts'
import { killAtStatements } from './kill-at-statements.ts'
import { killUnderWrites } from './kill-under-writes.ts'
import type { Scenario } from './lab.ts'

export const scenarios: readonly Scenario[] = [
  killUnderWrites,
  killAroundRefresh,
  killAtStatements,
  diskFaults,
  databaseRestarts,
]

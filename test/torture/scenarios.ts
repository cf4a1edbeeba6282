import { databaseRestarts } from './database-restarts.ts'
import { diskFaults } from './disk-faults.ts'
import { historyChecking } from './history.ts'
import { killAroundRefresh } from './kill-around-refresh.ts'
import { killAtStatements } from './kill-at-statements.ts'
import { killUnderWrites } from './kill-under-writes.ts'
import type { Scenario } from './lab.ts'
import { losingAnInstance } from './losing-an-instance.ts'
import { overload, overloadOnOneCore } from './overload.ts'
import { rollingRestart } from './rolling-restart.ts'
import { soak } from './soak.ts'

export const scenarios: readonly Scenario[] = [
  killUnderWrites,
  killAroundRefresh,
  killAtStatements,
  diskFaults,
  databaseRestarts,
  losingAnInstance,
  rollingRestart,
  overload,
  overloadOnOneCore,
  soak,
  historyChecking,
]

import { killAroundRefresh } from './kill-around-refresh.ts'
import { killUnderWrites } from './kill-under-writes.ts'
import type { Scenario } from './lab.ts'

export const scenarios: readonly Scenario[] = [killUnderWrites, killAroundRefresh]

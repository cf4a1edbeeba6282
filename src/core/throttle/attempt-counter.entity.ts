/** How many attempts were charged to a key of the throttle, and until when it is blocked. */
import { defineEntity, p } from '@mikro-orm/core'

const AttemptCounterSchema = defineEntity({
  name: 'AttemptCounter',
  tableName: 'attempt_counters',
  properties: {
    /** A digest: what was typed into an e-mail field is not kept. */
    key: p.string().length(64).primary(),
    count: p.integer(),
    blockedUntil: p.bigint('number'),
    /** When counting starts again, and the row may go. */
    resetsAt: p.bigint('number').index(),
  },
})

export class AttemptCounter extends AttemptCounterSchema.class {}
AttemptCounterSchema.setClass(AttemptCounter)

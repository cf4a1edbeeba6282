/** Work that one instance at a time may do, and who does it. */
import { defineEntity, p } from '@mikro-orm/core'

const LeaseSchema = defineEntity({
  name: 'Lease',
  tableName: 'leases',
  properties: {
    name: p.string().length(64).primary(),
    holder: p.string().length(36),
    /** Anyone who holds it has to say so again before. */
    expiresAt: p.bigint('number'),
  },
})

export class Lease extends LeaseSchema.class {}
LeaseSchema.setClass(Lease)

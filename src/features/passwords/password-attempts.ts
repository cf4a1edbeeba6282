/** The budgets of attempts with a password: by account, by client IP, by network, and by account and client IP. */
import type { RequestOrigin } from '../../core/sessions/authentication.ts'
import { addressBlock, networkBlock, pairOf } from '../../core/throttle/address.ts'
import type { Charge, Throttle } from '../../core/throttle/throttle.ts'

/** Attempts an hour before delays start. */
const limits = {
  /** One address at one account. */
  pair: 5,
  /** All addresses together at one account, but for those from which its owner has signed in. */
  account: 10,
  /** One address at all accounts. */
  address: 100,
  /** One network at all accounts, but for those whose owners have signed in from the same address. */
  network: 1000,
  /** New accounts from one address. */
  registrations: 100,
  /** New accounts from one network. */
  registrationsOfNetwork: 1000,
}

export class PasswordAttempts {
  readonly #throttle: Throttle
  readonly #ip: string | undefined
  /** The client's network: networks take turns at hashing. */
  readonly network: string

  constructor({ origin, throttle }: { throttle: Throttle; origin: RequestOrigin }) {
    this.#throttle = throttle
    this.#ip = origin.ip
    this.network = networkBlock(origin.ip)
  }

  /**
   * Charges an attempt at the account with this e-mail address, whether or not there is one.
   * @throws AppError RATE_LIMITED
   */
  charge(email: string): Promise<Charge> {
    const address = addressBlock(this.#ip)
    const pair = pairOf(this.#ip, email)
    return this.#throttle.charge([
      { name: 'pair', subject: pair, limit: limits.pair },
      { name: 'address', subject: address, limit: limits.address },
      // Strangers who guess must not keep out an owner who has signed in from here before.
      { name: 'network', subject: this.network, limit: limits.network, unlessTrusted: pair },
      { name: 'account', subject: email, limit: limits.account, unlessTrusted: pair },
    ])
  }

  /** @throws AppError RATE_LIMITED */
  chargeRegistration(): Promise<Charge> {
    const address = addressBlock(this.#ip)
    return this.#throttle.charge([
      { name: 'register', subject: address, limit: limits.registrations },
      { name: 'address', subject: address, limit: limits.address },
      { name: 'register-network', subject: this.network, limit: limits.registrationsOfNetwork },
      { name: 'network', subject: this.network, limit: limits.network },
    ])
  }

  /** The owner of the account has signed in from this client IP. */
  trust(email: string): Promise<void> {
    return this.#throttle.trust(pairOf(this.#ip, email))
  }
}

/** An attempt that could not be made, whatever the reason, is not the user's failure. */
export async function withRefundOnFailure<T>(
  charge: Charge,
  attempt: () => Promise<T>,
): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    await charge.refund()
    throw error
  }
}

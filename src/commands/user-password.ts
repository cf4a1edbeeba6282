/** The password that an operator gives to an account: generated, or read from standard input. */
import { AppError } from '../core/errors.ts'
import { initialPasswordNotice } from '../features/passwords/initial-password.ts'
import { generatePassword, operatorPassword } from '../features/passwords/operator-password.ts'
import { CommandError } from './run.ts'
import type { Options } from './user-arguments.ts'

export type OperatorPassword = Awaited<ReturnType<typeof operatorPassword>>

export interface ReadPassword {
  readonly password: string
  /** What the operator has to know of it. */
  readonly notice: readonly string[]
}

/** The password itself is printed only if it was generated. */
export async function readPassword(options: Options): Promise<ReadPassword> {
  if (options['password-stdin'] === true) {
    return { password: await readStandardInput(), notice: [initialPasswordNotice] }
  }
  const password = generatePassword()
  return { password, notice: [`Password: ${password}`, initialPasswordNotice] }
}

/** @throws CommandError in the words of the API, if the password breaks a rule of it */
export function hashPassword(
  password: string,
  email: string,
  bcryptCost: number,
): Promise<OperatorPassword> {
  return operatorPassword(password, email, bcryptCost).catch(refuse)
}

/** What breaks a rule of the API is refused here in the same words. */
export function refuse(error: unknown): never {
  throw error instanceof AppError ? new CommandError(error.message) : error
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/** What a document tells users to paste, pasted. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Step {
  readonly commands: string
  /** What the document shows below the commands; `…` stands for anything on a line. */
  readonly output: string
}

/** The fenced blocks of a document, or of the part between two markers. */
export function readBlocks(file: string, marker?: string) {
  const text = readFileSync(join(root, file), 'utf8')
  const part = marker === undefined ? text : text.split(new RegExp(`<!-- /?${marker} -->`))[1]
  if (part === undefined) throw new Error(`${file} has no part "${marker}"`)
  return Array.from(part.matchAll(/^```(\w+)\n(.*?)^```$/gms), ([, language = '', body = '']) => ({
    language,
    body,
  }))
}

/** The `sh` blocks between two markers, each with the `text` block that follows it. */
export function readSteps(file: string, marker: string): Step[] {
  const steps: Step[] = []
  for (const { language, body } of readBlocks(file, marker)) {
    if (language === 'sh') steps.push({ commands: body, output: '' })
    else if (language === 'text') steps.push({ ...steps.pop()!, output: body })
  }
  return steps
}

/**
 * Runs the steps in one shell, as someone who pastes them does, and gives what each printed.
 * @param preamble commands before the first step
 */
export async function runSteps(
  steps: readonly Step[],
  env: Readonly<Record<string, string>> = {},
  preamble = '',
): Promise<string[]> {
  const separator = '=== next step ==='
  const script = [
    // One pipe: of two, no one knows which was written first.
    'exec 2>&1',
    preamble,
    ...steps.map(({ commands }) => `${commands}\necho '${separator}'`),
  ]
  // A folder without .env.
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-walkthrough-'))
  try {
    const shell = spawn('bash', ['--noprofile', '--norc', '-eu', '-o', 'pipefail'], {
      cwd,
      env: { PATH: process.env['PATH'], ...env },
    })
    let printed = ''
    shell.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk))
    shell.stdin.end(script.join('\n'))
    await new Promise((resolve, reject) => {
      shell.once('error', reject)
      shell.once('close', resolve)
    })
    return printed.split(separator).map((text) => text.trim())
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

export function asPattern(output: string): RegExp {
  const literal = output.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${literal.replaceAll('…', '.+')}$`)
}

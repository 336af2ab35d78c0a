import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

const root = join(import.meta.dirname, '../..')
const bin = join(root, 'bin/millrace.js')

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command to its end, in the project's folder. */
export const millrace = (...args: string[]): Outcome => pipeInto('', ...args)

/** The same with something on its standard input. */
export function pipeInto(input: string, ...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: root,
    encoding: 'utf8',
    input,
  })
  return { status, stdout, stderr }
}

export interface Running {
  readonly process: ChildProcess
  /** Resolves with the first line of standard output that matches. */
  line(pattern: RegExp): Promise<string>
  /** The same of standard error. */
  logged(pattern: RegExp): Promise<string>
  /** All that was written so far. */
  readonly written: { readonly stdout: readonly string[]; readonly stderr: readonly string[] }
  /** Resolves with the exit code, null when a signal ended it. */
  readonly exit: Promise<number | null>
  /** Sends the signal and resolves with the exit code, null when the signal ended it. */
  stop(signal: NodeJS.Signals): Promise<number | null>
}

/** Starts the command and leaves it running. */
export function startMillrace(...args: string[]): Running {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = (once(child, 'exit') as Promise<[number | null]>).then(([code]) => code)
  const [stdout, stderr] = [new Lines(child.stdout), new Lines(child.stderr)]
  const matching = (lines: Lines, pattern: RegExp): Promise<string> =>
    Promise.race([
      lines.matching(pattern),
      exit.then(code => {
        throw new Error(`millrace ${args.join(' ')} ended with ${code}: ${stderr.all.join('\n')}`)
      }),
    ])
  return {
    process: child,
    line: pattern => matching(stdout, pattern),
    logged: pattern => matching(stderr, pattern),
    written: { stdout: stdout.all, stderr: stderr.all },
    exit,
    stop(signal) {
      child.kill(signal)
      return exit
    },
  }
}

class Lines {
  readonly all: string[] = []
  readonly #waiting: { pattern: RegExp; resolve: (line: string) => void }[] = []

  constructor(stream: Readable) {
    createInterface({ input: stream }).on('line', line => {
      this.all.push(line)
      for (const { pattern, resolve } of this.#waiting) if (pattern.test(line)) resolve(line)
    })
  }

  async matching(pattern: RegExp): Promise<string> {
    const seen = this.all.find(line => pattern.test(line))
    if (seen !== undefined) return seen
    return new Promise(resolve => this.#waiting.push({ pattern, resolve }))
  }
}

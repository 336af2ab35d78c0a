import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '../..')
const bin = join(root, 'bin/millrace.js')

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command to its end, in the project's folder. */
export function millrace(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

export interface Running {
  readonly process: ChildProcess
  /** Resolves with the first line of standard output that matches. */
  line(pattern: RegExp): Promise<string>
  /** Sends the signal and resolves with the exit code, null when the signal ended it. */
  stop(signal: NodeJS.Signals): Promise<number | null>
}

/** Starts the command and leaves it running. */
export function startMillrace(...args: string[]): Running {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit') as Promise<[number | null]>
  let errors = ''
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
  const lines: string[] = []
  const waiting: { pattern: RegExp; resolve: (line: string) => void }[] = []
  createInterface({ input: child.stdout }).on('line', line => {
    lines.push(line)
    for (const { pattern, resolve } of waiting) if (pattern.test(line)) resolve(line)
  })
  return {
    process: child,
    line: async pattern => {
      const seen = lines.find(line => pattern.test(line))
      if (seen !== undefined) return seen
      return Promise.race([
        new Promise<string>(resolve => waiting.push({ pattern, resolve })),
        exit.then(([code]) => {
          throw new Error(`millrace ${args.join(' ')} ended with ${code}: ${errors}`)
        }),
      ])
    },
    stop: async signal => {
      child.kill(signal)
      return (await exit)[0]
    },
  }
}

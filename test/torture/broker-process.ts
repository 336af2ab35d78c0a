import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'

/** A broker in a process of its own, started as a user does, that can be killed. */
export interface BrokerProcess {
  readonly pid: number
  readonly bootstrap: string
  /** Everything it logged, one JSON object a line. */
  readonly log: readonly string[]
  /** Ends it at once, without a chance to tidy up, and resolves when it is gone. */
  kill(): Promise<void>
  /** Asks it to end, and resolves when it has. */
  stop(): Promise<void>
}

const command = resolve(import.meta.dirname, '../../bin/millrace.js')

/** Starts `millrace broker` on a data folder and a port, or with a file of settings; resolves when it listens. */
export async function startBrokerProcess(
  data: string,
  settings: number | string,
): Promise<BrokerProcess> {
  const flags = typeof settings === 'number' ? ['--port', String(settings)] : ['--config', settings]
  const child = spawn(process.execPath, [command, 'broker', ...flags, '--data', data], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: string[] = []
  let partial = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (partial + text).split('\n')
    partial = lines.pop() ?? ''
    log.push(...lines)
  })
  const exited = new Promise<number | null>(done => child.once('close', code => done(code)))
  const bootstrap = await listening(child, exited, log)
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    child.kill(signal)
    await exited
  }
  return {
    pid: child.pid ?? 0,
    bootstrap,
    log,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}

async function listening(
  child: ChildProcess,
  exited: Promise<number | null>,
  log: readonly string[],
): Promise<string> {
  const ready = new Promise<string>(done => {
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const match = /ready on (\S+?),/.exec(output)
      if (match?.[1] !== undefined) done(match[1])
    })
  })
  const bootstrap = await Promise.race([ready, exited])
  if (typeof bootstrap === 'string') return bootstrap
  throw new Error(`The broker ended with code ${bootstrap}:\n${log.join('\n')}`)
}

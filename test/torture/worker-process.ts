/** A worker in a process of its own, started as a user does, that can be killed, told to kill itself, and stopped for a while. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { SeededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { type Faults, faultsVariable } from './faults/settings.ts'

const command = resolve(import.meta.dirname, '../../bin/millrace.js')
const preload = new URL('faults/preload.ts', import.meta.url).href

export class WorkerProcess {
  /** Everything of its own: its stores, its identity, and what it is told. */
  readonly folder: string
  readonly log: string[] = []
  /** Resolves when its application has been started, or it has ended before. */
  readonly started: Promise<unknown>
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  /** `args` are those of `millrace`. */
  constructor(folder: string, args: readonly string[], faults: Faults) {
    this.folder = folder
    mkdirSync(folder, { recursive: true })
    this.#tell(faults)
    this.#child = spawn(process.execPath, [`--import=${preload}`, command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, [faultsVariable]: join(folder, 'faults.json') },
    })
    const started = Promise.withResolvers<void>()
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.log.push(...text.split('\n').filter(line => line !== ''))
        if (/is running( in \d+ workers)?;/.test(text)) started.resolve()
        this.log.splice(0, this.log.length - 500)
      })
    }
    this.#ended = once(this.#child, 'close')
    this.started = Promise.race([started.promise, this.#ended])
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** How it ended, when that was nobody's wish. */
  get failure(): string | null {
    const { exitCode } = this.#child
    return exitCode === null || exitCode === 0
      ? null
      : `ended with ${exitCode}:\n${this.log.join('\n')}`
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#child.kill(signal)
    await this.#ended
  }

  /** Kills one of the workers that it supervises; false while it has none. */
  killWorker(random: SeededRandom): boolean {
    const { pid } = this.#child
    const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    const workers = listed.split(' ').filter(Boolean).map(Number)
    const victim = workers[random.below(Math.max(1, workers.length))]
    return victim !== undefined && process.kill(victim, 'SIGKILL')
  }

  /** Has it supervise one worker more, or one less. */
  change(what: 'more' | 'less'): void {
    this.#child.kill(what === 'more' ? 'SIGTTIN' : 'SIGTTOU')
  }

  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Tells it something else than at its start. It must have been started. */
  tell(faults: Faults): void {
    this.#tell(faults)
    this.#child.kill('SIGUSR2')
  }

  /** Whether it ends in time. */
  async endsWithin(patienceMs: number): Promise<boolean> {
    const { promise, resolve: giveUp } = Promise.withResolvers<false>()
    const timer = setTimeout(() => giveUp(false), patienceMs)
    const ended = await Promise.race([this.#ended.then(() => true), promise])
    clearTimeout(timer)
    return ended
  }

  #tell(faults: Faults): void {
    writeFileSync(join(this.folder, 'faults.json'), JSON.stringify(faults))
  }

  /** The identity that its transactional id ends in; null before it has one. */
  get processId(): string | null {
    const [found] = filesNamed(this.folder, 'process.json')
    if (found === undefined) return null
    return (JSON.parse(readFileSync(found, 'utf8')) as { processId: string }).processId
  }
}

/** The paths of all files and folders of that name under a folder. */
export function filesNamed(folder: string, name: string): string[] {
  if (!existsSync(folder)) return []
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return paths.filter(path => path.split('/').at(-1) === name).map(path => join(folder, path))
}

/** A broker and the workers of an application on it, in processes, and what can be done to them. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type SeededRandom, seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { freePort } from '../interop/kafka-folder.ts'
import { startKafkaServer } from '../interop/kafka-server.ts'
import { type BrokerProcess, startBrokerProcess } from './broker-process.ts'
import { type Faults, type KillPoint, killPoints, type PlantedBug } from './faults/settings.ts'
import { openTransactions } from './log-view.ts'
import type { Subject } from './subject.ts'
import { WorkerProcess } from './worker-process.ts'

/** Where the application runs: with a broker in one process, or as processes of its own on one of two brokers. */
export type World = 'embedded' | 'millrace broker' | 'Apache Kafka'

/** What is done to it. */
export type Fault =
  | 'worker killed'
  | 'worker killed at a point'
  | 'worker paused'
  | 'worker added'
  | 'worker removed'
  | 'broker killed'

export interface WorldOptions {
  readonly subject: Subject
  readonly world: World
  readonly seed: number
  readonly workers: number
  /** Whether one process starts the workers and starts them anew: they can then be killed, added and removed, no more. */
  readonly supervised?: boolean
  /** @defaultValue all that can be done there */
  readonly faults?: readonly Fault[]
  /** Where workers are killed. @defaultValue all points */
  readonly points?: readonly KillPoint[]
  /** A bug that all workers have. */
  readonly planted?: PlantedBug
}

/** Everything that can be done to an application. */
export function faultsIn({
  world,
  supervised,
}: Pick<WorldOptions, 'world' | 'supervised'>): readonly Fault[] {
  if (world === 'embedded') return ['worker killed', 'worker killed at a point']
  const everywhere = ['worker killed', 'worker added', 'broker killed', 'worker removed'] as const
  return supervised === true
    ? everywhere
    : [...everywhere, 'worker killed at a point', 'worker paused']
}

/** Kills that have happened. */
interface Kills {
  workers: number
  brokers: number
  /** Those of workers that had a transaction open. */
  inTransaction: number
}

export class TorturedWorld {
  readonly bootstrap: string
  /** What can be done, each in its turn. */
  readonly faults: readonly Fault[]
  readonly kills: Kills = { workers: 0, brokers: 0, inTransaction: 0 }
  readonly #options: WorldOptions
  readonly #folder: string
  readonly #port: number
  readonly #random: SeededRandom
  readonly #base: Faults
  readonly #decks = new Map<readonly unknown[], unknown[]>()
  readonly #workers: WorkerProcess[] = []
  #broker: BrokerProcess | undefined
  #names = 0

  private constructor(folder: string, port: number, options: WorldOptions) {
    this.#folder = folder
    this.#port = port
    this.#options = options
    this.bootstrap = `127.0.0.1:${port}`
    this.#random = seededRandom(options.seed, 'faults')
    this.faults = options.faults ?? faultsIn(options)
    const { planted } = options
    const base = { sessionTimeoutMs: 2_000, lingerMs: 400 }
    this.#base = planted === undefined ? base : { ...base, planted }
  }

  /** A broker without an application. */
  static async start(folder: string, options: WorldOptions): Promise<TorturedWorld> {
    const world = new TorturedWorld(folder, await freePort(), options)
    await world.startBroker()
    return world
  }

  /** Of an embedded broker, the log alone: its application must not be running. */
  async startBroker(): Promise<void> {
    const { world } = this.#options
    const data = join(this.#folder, world === 'embedded' ? 'worker-1' : '', 'broker')
    this.#broker =
      world === 'Apache Kafka'
        ? await startKafkaServer(data, { port: this.#port })
        : await startBrokerProcess(data, this.#port)
  }

  async startWorkers(): Promise<void> {
    const { world, supervised, workers } = this.#options
    if (world === 'embedded') await this.#broker?.stop()
    for (let n = 0; n < (supervised === true ? 1 : workers); n++) this.#addWorker()
  }

  /** In the folder of one that is gone, or in a new one. */
  #addWorker(
    folder = join(this.#folder, `worker-${++this.#names}`),
    faults = this.#base,
  ): WorkerProcess {
    const { world, subject, supervised, workers } = this.#options
    const args =
      world === 'embedded'
        ? ['dev', subject.app, '--port', String(this.#port), '--data', folder]
        : ['run', subject.app, '--brokers', this.bootstrap, '--state', folder]
    if (supervised === true) args.push('--workers', String(workers))
    const worker = new WorkerProcess(folder, args, faults)
    this.#workers.push(worker)
    return worker
  }

  /** Lets all finish what they have begun. */
  async stopWorkers(): Promise<void> {
    for (const worker of this.#workers) await worker.end('SIGTERM')
    this.refuseFailures()
  }

  async end(): Promise<void> {
    for (const worker of this.#workers) {
      worker.resume()
      if (worker.isRunning) await worker.end('SIGKILL')
    }
    await this.#broker?.kill()
  }

  /** Throws when a worker has ended by itself. */
  refuseFailures(): void {
    for (const { folder, failure } of this.#workers) {
      assert(failure === null, `the worker of ${folder} ${failure}`)
    }
  }

  /** An embedded broker goes with its worker, and who is supervised has been replaced before anybody can look. */
  get seesTransactions(): boolean {
    return this.#options.world !== 'embedded' && this.#options.supervised !== true
  }

  /** What the workers have said last. */
  get logs(): string {
    return this.#workers
      .map(({ folder, log }) => `--- ${folder}\n${log.slice(-40).join('\n')}`)
      .join('\n')
  }

  /** One of these at random, all of them before one comes again. */
  #draw<Card>(cards: readonly Card[]): Card {
    let deck = this.#decks.get(cards) as Card[] | undefined
    if (deck === undefined || deck.length === 0) this.#decks.set(cards, (deck = [...cards]))
    const [card] = deck.splice(this.#random.below(deck.length), 1)
    assert(card !== undefined)
    return card
  }

  /**
   * Does something to it, somewhere within the next commits. Resolves with what was done, most general first, and with nothing
   * when it could not be. `progress` resolves when all partitions have got further.
   */
  async inflict(progress: () => Promise<void>): Promise<string[]> {
    const random = this.#random
    const fault = this.#draw(this.faults)
    for (let turns = random.below(3_000); turns > 0; turns--) {
      await new Promise(done => setImmediate(done))
    }
    if (fault === 'broker killed') {
      await this.#killBroker()
      return [fault]
    }
    const victim = this.#workers[random.below(this.#workers.length)]
    assert(victim !== undefined)
    if (this.#options.supervised === true) return this.#superviseAnother(fault, victim)
    switch (fault) {
      case 'worker killed':
        await victim.end('SIGKILL')
        await this.#replace(victim)
        break
      case 'worker killed at a point': {
        const { points = killPoints } = this.#options
        const point = this.#draw(points)
        const died = await this.#killAt(point, victim)
        return [
          fault,
          died ? `worker killed ${point}` : 'worker killed, for it did not come to its point',
        ]
      }
      case 'worker paused':
        if (this.#workers.length < 2) return []
        victim.pause()
        // The others miss it, and have got all of its tasks further when it comes back and believes that they are its own.
        await progress()
        victim.resume()
        break
      case 'worker added':
        if (this.#workers.length >= this.#options.workers + 2) return []
        this.#addWorker()
        break
      case 'worker removed':
        if (this.#workers.length < 2) return []
        await victim.end('SIGTERM')
        this.refuseFailures()
        this.#workers.splice(this.#workers.indexOf(victim), 1)
    }
    return [fault]
  }

  /** False when it had to be killed elsewhere, because it did not come there in time. */
  async #killAt(point: KillPoint, victim: WorkerProcess): Promise<boolean> {
    let dying = victim
    // There is but one producer, which is opened at the start.
    if (point.endsWith('InitProducerId')) {
      await victim.end('SIGKILL')
      dying = await this.#replace(victim, { ...this.#base, killAt: { point, passing: 0 } })
    } else {
      await victim.started
      victim.tell({ ...this.#base, killAt: { point, passing: this.#random.below(4) } })
    }
    const died = await dying.endsWithin(5_000)
    if (!died) await dying.end('SIGKILL')
    await this.#replace(dying)
    return died
  }

  #superviseAnother(fault: Fault, supervisor: WorkerProcess): string[] {
    if (fault === 'worker added') supervisor.change('more')
    else if (fault === 'worker removed') supervisor.change('less')
    else if (supervisor.killWorker(this.#random)) this.kills.workers += 1
    else return []
    return [fault]
  }

  async #killBroker(): Promise<void> {
    // One that has never reached a broker takes its address to be wrong.
    for (const { started } of this.#workers) await started
    await this.#broker?.kill()
    this.kills.brokers += 1
    await this.startBroker()
  }

  async #replace(victim: WorkerProcess, faults = this.#base): Promise<WorkerProcess> {
    this.kills.workers += 1
    const { processId } = victim
    if (this.seesTransactions && processId !== null) {
      const open = await openTransactions(this.bootstrap)
      if (open.some(id => id.includes(processId))) this.kills.inTransaction += 1
    }
    this.#workers.splice(this.#workers.indexOf(victim), 1)
    return this.#addWorker(victim.folder, faults)
  }
}

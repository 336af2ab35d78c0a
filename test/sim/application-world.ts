/**
 * The whole stack on simulated machines: a broker, and up to three instances of an application with a repartition, counts,
 * a windowed count and an echo, whose calls take time in some seeds. Input comes while instances and broker are killed,
 * lose power, stores and connections, and instances are cut off for longer than their sessions and transactions last and
 * come back with what they had not sent. When all is healed, each result must be there once, in the order of the input.
 */
import type { Machine } from '../../src/platform/simulated/machine.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { type Simulation, simulate } from '../../src/platform/simulated/simulation.ts'
import type { Connector } from '../../src/client/connection.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { type App, defineApp } from '../../src/dsl/define-app.ts'
import type { StreamsConfig } from '../../src/dsl/streams-config.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import { pause } from '../../src/runtime/pause.ts'
import { long } from '../../src/serde/numbers.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore, ReadOnlyWindowStore } from '../../src/state/stores.ts'
import { tumbling } from '../../src/windowing/time-windows.ts'
import { CrashableEngine } from '../runtime/crashable-engine.ts'
import { produce, record } from '../runtime/testbed.ts'
import { contradiction, type Evidence, recoveryMs, type Results } from './application-checks.ts'
import { tail } from './tail.ts'
import { brokerAddress, WatchedBroker } from './watched-broker.ts'

export const applicationFaults = [
  'kill',
  'power loss',
  'loss of the stores',
  'no way to the broker',
  'no way back',
  'store does not write',
  'connections break',
  'instance leaves',
  'instance joins',
  'kill of the broker',
  'power loss of the broker',
] as const

export type ApplicationFault = (typeof applicationFaults)[number]

export interface ApplicationRun {
  /** The promise that was broken first, as a sentence. */
  readonly violation: string | undefined
  readonly faults: Partial<Record<ApplicationFault, number>>
  readonly records: number
  /** From the end of all faults until nothing was left to do. */
  readonly recoveredMs: number
  readonly virtualMs: number
  readonly traceHash: string
}

/** Changes what an instance asks the broker, or keeps it: a planted bug. */
export type Plant = (api: string, body: unknown) => unknown

const name = 'whole'
const partitions = 3
const text = { key: string(), value: string() }
const counted = { key: string(), value: long() }
const windowMs = 10_000

/** What differs from seed to seed, besides faults. */
interface Swarm extends StreamsConfig {
  readonly cacheMaxBytes: number
  readonly isAsync: boolean
}

function drawSwarm(random: SeededRandom): Swarm {
  return {
    processingGuarantee: random.chance(0.85) ? 'exactlyOnce' : 'atLeastOnce',
    commitIntervalMs: [5, 20, 100, 300, 1_000][random.below(5)] ?? 100,
    transactionTimeoutMs: random.chance(0.5) ? 10_000 : 3_000,
    numStandbyReplicas: random.below(3),
    probingRebalanceIntervalMs: 60_000,
    acceptableRecoveryLag: random.chance(0.5) ? 10 : 10_000,
    cacheMaxBytes: random.chance(0.3) ? 100_000 : 0,
    isAsync: random.chance(0.3),
  }
}

function newApp({ timers }: Platform, isAsync: boolean): App {
  return defineApp(name, builder => {
    const input = builder.stream('in', text)
    const echo = isAsync
      ? input.mapValuesAsync(async value => {
          await pause(timers, value.length % 7)
          return value
        })
      : input
    echo.to('echo', text)
    input
      .groupBy((_, value) => value.slice(0, 1), text)
      .count({ store: 'counts' })
      .toStream()
      .to('out', counted)
    input
      .groupByKey()
      .windowedBy(tumbling({ milliseconds: windowMs }, { grace: { days: 1 } }))
      .count({ store: 'windows' })
  })
}

/** Which way requests cannot go. What waits arrives when the way is open again. */
type Barrier = 'there' | 'back'

/** One instance of the application, through its lives. */
class Instance {
  readonly #machine: Machine
  readonly #simulation: Simulation
  readonly #swarm: Swarm
  readonly #plant: Plant
  readonly #broken: (sentence: string) => void
  #engine = new CrashableEngine()
  #application: Application | undefined
  #lives = 0
  readonly #barriers: Record<Barrier, Promise<void> | undefined> = {
    there: undefined,
    back: undefined,
  }
  /** Nothing is being done to it. */
  isFree = true

  constructor(
    simulation: Simulation,
    machine: string,
    swarm: Swarm,
    plant: Plant,
    broken: (sentence: string) => void,
  ) {
    this.#simulation = simulation
    this.#machine = simulation.machine(machine)
    this.#swarm = swarm
    this.#plant = plant
    this.#broken = broken
  }

  get application(): Application | undefined {
    return this.#application
  }

  async start(): Promise<void> {
    const { platform, name: machine } = this.#machine
    const life = `${machine}.${++this.#lives}`
    const { isAsync, ...options } = this.#swarm
    const application = await startApplication(newApp(platform, isAsync), {
      ...options,
      client: connect(platform, life, connector => this.#cut(connector)),
      platform,
      engine: this.#engine,
      stateFolder: '/state',
      uncaughtExceptionHandler: () => 'replace',
    })
    this.#application = application
    application.finished.catch((error: unknown) => {
      if (this.#application === application) this.#broken(`${life} failed: ${String(error)}`)
    })
  }

  async close(): Promise<void> {
    const application = this.#application
    this.#application = undefined
    await application?.close()
  }

  /** The process ends, by itself or with its machine, and comes back in `afterMs`, with its stores or without. */
  async end(how: 'kill' | 'crash', afterMs: number, losesStores: boolean): Promise<void> {
    this.#application = undefined
    this.#machine[how]()
    await this.#engine.crash()
    if (losesStores) this.#engine = new CrashableEngine()
    await this.#wait(afterMs)
    this.#machine.restart()
    await this.start()
  }

  async cutOff(way: Barrier, forMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#barriers[way] = promise
    await this.#wait(forMs)
    this.#barriers[way] = undefined
    resolve()
  }

  /** The next batch of a store is not written. */
  failWrite(): void {
    const engine = this.#engine
    engine.fault = () => {
      engine.fault = () => {}
      throw new Error('ENOSPC: no space left on device')
    }
  }

  breakConnections(): void {
    this.#machine.breakConnections()
  }

  heal(): void {
    this.#engine.fault = () => {}
  }

  #wait(ms: number): Promise<void> {
    return new Promise(resolve => this.#simulation.after(ms, resolve))
  }

  #cut(connector: Connector): Connector {
    return async address => {
      const connection = await connector(address)
      return {
        request: async (api, body, options) => {
          await this.#barriers.there
          const planted = this.#plant(api.name, body)
          const answer = await connection.request(api, planted as typeof body, options)
          await this.#barriers.back
          return answer
        },
        close: () => connection.close(),
      }
    }
  }
}

function connect(
  platform: Platform,
  clientId: string,
  wrap: (connector: Connector) => Connector = connector => connector,
): LogClient {
  const connector = wrap(wireConnector(platform, { clientId, requestTimeoutMs: 5_000 }))
  const bootstrap = [brokerAddress]
  return createLogClient({ platform, bootstrap, connector, retryTimeoutMs: 600_000 })
}

async function storesOf(applications: readonly Application[]): Promise<Results> {
  const counts = new Map<string, number>()
  const windows = new Map<string, number>()
  for (const application of applications) {
    const store = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
    for await (const { key, value } of store.all()) counts.set(key, value)
    const windowed = application.store<ReadOnlyWindowStore<string, number>>('windows')
    for await (const { key, windowStart, value } of windowed.all()) {
      windows.set(`${key} ${windowStart}`, value)
    }
  }
  return { counts, windows }
}

export async function runApplication(
  seed: number,
  plant: Plant = (_, body) => body,
): Promise<ApplicationRun> {
  const random = seededRandom(seed, 'plan')
  const swarm = drawSwarm(random)
  const enabled = applicationFaults.filter(() => random.chance(0.5))
  const simulation = simulate({
    seed,
    networkDelayMs: random.chance(0.2) ? { min: 2, max: 50 } : { min: 0.05, max: 2 },
    resetChance: random.chance(0.2) ? 0.001 : 0,
  })
  let violation: string | undefined
  const broken = (sentence: string): void => void (violation ??= sentence)
  const config = { offsetsTopicNumPartitions: 1, transactionStateLogNumPartitions: 1 }
  const broker = new WatchedBroker(simulation, { config, broken })
  const instances = ['one', 'two', 'three'].map(
    machine => new Instance(simulation, machine, swarm, plant, broken),
  )
  const faults: Partial<Record<ApplicationFault, number>> = {}
  const outside = simulation.machine('outside').platform
  const wait = (ms: number): Promise<void> => pause(outside.timers, ms)
  const produced: { key: string; value: string; timestamp: number }[] = []
  let isFed = false
  let isOver = false
  let recoveredMs = 0

  /** What happens to an instance, or undefined when it cannot happen now. */
  const happen = (kind: ApplicationFault): (() => Promise<void>) | undefined => {
    const isStart = kind === 'instance joins'
    const fit = instances.filter(
      ({ isFree, application }) => isFree && (application === undefined) === isStart,
    )
    const instance = fit[random.below(fit.length)]
    // At least once, nobody fences who was away for longer than his session: what he had not sent to a changelog may come after
    // what his successor wrote there, and take it back.
    const longestMs = swarm.processingGuarantee === 'exactlyOnce' ? 46_000 : 20_000
    // Some are away for longer than their transactions last, some for longer than their session.
    const awayMs = ([0, 0, 10_000, longestMs][random.below(4)] ?? 0) + random.below(5_000)
    if (kind === 'kill of the broker' || kind === 'power loss of the broker') {
      return async () => {
        broker.stop(kind === 'kill of the broker' ? 'kill' : 'power loss')
        await wait(random.below(2_000))
        broker.start()
      }
    }
    if (instance === undefined) return undefined
    const acts: Record<typeof kind, () => Promise<void>> = {
      kill: () => instance.end('kill', awayMs, false),
      'power loss': () => instance.end('crash', awayMs, false),
      'loss of the stores': () => instance.end('kill', awayMs, true),
      'no way to the broker': () => instance.cutOff('there', awayMs),
      'no way back': () => instance.cutOff('back', awayMs),
      'store does not write': async () => instance.failWrite(),
      'connections break': async () => instance.breakConnections(),
      'instance leaves': () => instance.close(),
      'instance joins': () => instance.start(),
    }
    return async () => {
      instance.isFree = false
      await acts[kind]()
      instance.isFree = true
    }
  }

  const feed = async (client: LogClient, goesOn: () => boolean): Promise<void> => {
    for (let round = 0; goesOn(); round++) {
      const records = Array.from({ length: 5 }, (_, index) => {
        const value = `${'abcdefg'[random.below(7)] ?? 'a'}${round}.${index}`
        return { key: `k${random.below(8)}`, value, timestamp: round * 700 }
      })
      await produce(
        client,
        'in',
        records.map(({ key, value, timestamp }) => record(key, value, timestamp)),
      )
      produced.push(...records)
      // Enough to be hit in the middle; long absences need not be full of work.
      await wait(random.below(produced.length < 150 ? 1_000 : 10_000))
    }
  }

  const live = async (): Promise<void> => {
    broker.start()
    const client = connect(outside, 'outside')
    await client.createTopics(['in', 'echo', 'out'].map(topic => ({ name: topic, partitions })))
    const lists = ['in', 'echo', 'out'].map(topic => tail(client, topic, partitions, () => isOver))
    const running = instances.slice(0, 2 + random.below(2))
    await Promise.all(running.map(instance => instance.start()))
    const feeding = feed(client, () => !isFed)
    const count = 2 + random.below(5)
    const ongoing: Promise<void>[] = []
    for (let done = 0; done < count; done++) {
      await wait(random.below(random.chance(0.5) ? 300 : 6_000))
      const kind = enabled[random.below(enabled.length)]
      const act = kind && happen(kind)
      if (kind === undefined || act === undefined) continue
      simulation.note(`fault: ${kind}`)
      faults[kind] = (faults[kind] ?? 0) + 1
      const acting = act()
      if (kind.endsWith('broker')) await acting
      else ongoing.push(acting)
    }
    await Promise.all(ongoing)
    for (const instance of instances) {
      instance.heal()
      if (instance.application === undefined) await instance.start()
    }
    isFed = true
    await feeding
    const healedMs = simulation.nowMs
    const evidence = (): Evidence => ({
      produced,
      windowMs,
      isExactlyOnce: swarm.processingGuarantee === 'exactlyOnce',
      isAsync: swarm.isAsync,
      isCached: swarm.cacheMaxBytes > 0,
      lists: lists.map(({ list }) => list),
    })
    const applications = (): Application[] =>
      instances.flatMap(({ application }) => application ?? [])
    const look = async (): Promise<string | undefined> => {
      if (applications().some(({ state }) => state !== 'RUNNING')) {
        return 'Not all instances are running'
      }
      try {
        return await contradiction(client, name, evidence(), () => storesOf(applications()))
      } catch (error) {
        // A rebalance began while stores were read.
        if (error instanceof MillraceError && error.code === 'STORE_NOT_READY') return error.message
        throw error
      }
    }
    let problem: string | undefined
    do {
      await wait(500)
      problem = await look()
      recoveredMs = simulation.nowMs - healedMs
    } while (problem !== undefined && recoveredMs < recoveryMs)
    if (problem !== undefined) broken(`${problem} (${recoveryMs} ms after the last fault)`)
    else {
      // What was right stays right, and a store made of its changelog alone is the same.
      for (const instance of instances) await instance.close()
      const [last] = instances
      await last?.end('kill', 100, true)
      do await wait(500)
      while (last?.application?.state !== 'RUNNING')
      problem = await look()
      if (problem !== undefined) broken(`Restored from nothing: ${problem}`)
    }
    isOver = true
    await Promise.all(lists.map(({ ended }) => ended))
  }

  let ended = false
  const life = live()
    .catch((error: unknown) => broken(String(error instanceof Error ? error.stack : error)))
    .finally(() => (ended = true))
  const isDone = (): boolean => ended || violation !== undefined
  try {
    await simulation.run(isDone, { maxVirtualMs: 900_000 })
    if (violation === undefined) await simulation.run(life)
  } catch (error) {
    broken(error instanceof Error ? error.message : String(error))
  }
  const { nowMs: virtualMs, trace } = simulation
  const records = produced.length
  return { violation, faults, records, recoveredMs, virtualMs, traceHash: trace.hash }
}

/**
 * Up to three instances of one application, on machines of their own, that come, leave, are killed, fall silent for
 * longer than their session and come back, over a network that is slow in some seeds. Nobody may commit for a task
 * that is another's in that generation, no commit may take back another one, and tasks that need not move go on. When
 * everything is over all tasks are somebody's, and all input is processed once.
 */
import { z } from 'zod'
import type { Connector } from '../../src/client/connection.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { type App, defineApp } from '../../src/dsl/define-app.ts'
import type { Machine } from '../../src/platform/simulated/machine.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { type Simulation, simulate } from '../../src/platform/simulated/simulation.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import { pause } from '../../src/runtime/pause.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from '../runtime/crashable-engine.ts'
import { produce, readText, record } from '../runtime/testbed.ts'
import { brokerAddress, WatchedBroker } from './watched-broker.ts'

export interface MembersRun {
  /** The promise that was broken first, as a sentence. */
  readonly violation: string | undefined
  readonly faults: ActCounts
  /** Tasks that began on an instance. */
  readonly starts: number
  readonly commits: number
  readonly virtualMs: number
  readonly traceHash: string
}

const topic = 'in'
const partitions = 6
const names = ['one', 'two', 'three']
const text = { key: string(), value: string() }

type Act = 'start' | 'close' | 'kill' | 'silence' | 'kill of the broker'

type ActCounts = Partial<Record<Act, number>>

/** What a body of OffsetCommit or TxnOffsetCommit says. */
const commitBody = z.object({
  generationIdOrMemberEpoch: z.number(),
  memberId: z.string(),
  topics: z.array(
    z.object({
      name: z.string(),
      partitions: z.array(z.object({ partitionIndex: z.number(), committedOffset: z.number() })),
    }),
  ),
})
const commitAnswer = z.object({
  topics: z.array(z.object({ partitions: z.array(z.object({ errorCode: z.number() })) })),
})

/** Everything that is done and must not be. */
class Watch {
  readonly #isCalm: boolean
  /** Who committed for a partition in a generation. */
  readonly #committers = new Map<string, string>()
  readonly #committed = new Map<number, number>()
  /** Which lives of instances run a task. */
  readonly #running = new Map<string, Set<string>>()
  violation: string | undefined
  starts = 0
  commits = 0

  /** In calm seeds nobody is silent, so nobody runs what is another's, whether he can commit or not. */
  constructor(isCalm: boolean) {
    this.#isCalm = isCalm
  }

  broken(sentence: string): void {
    this.violation ??= sentence
  }

  began(task: string, life: string): void {
    this.starts++
    const lives = this.#running.get(task) ?? new Set()
    this.#running.set(task, lives.add(life))
    if (lives.size > 1 && this.#isCalm) this.broken(`${[...lives].join(' and ')} run task ${task}`)
  }

  ended(task: string, life: string): void {
    this.#running.get(task)?.delete(life)
  }

  died(life: string): void {
    for (const lives of this.#running.values()) lives.delete(life)
  }

  /** Whether each task runs in one place. */
  get isWhole(): boolean {
    const lives = [...this.#running.values()]
    return lives.length === partitions && lives.every(({ size }) => size === 1)
  }

  committing(api: string, request: unknown, answer: unknown): void {
    const { generationIdOrMemberEpoch: generation, memberId, topics } = commitBody.parse(request)
    const answered = commitAnswer.parse(answer)
    const codes = answered.topics.flatMap(({ partitions: parts }) => parts)
    if (codes.some(({ errorCode }) => errorCode !== 0)) return
    this.commits++
    for (const { partitionIndex: partition, committedOffset } of topics.flatMap(
      ({ partitions: parts }) => parts,
    )) {
      const key = `${generation} ${partition}`
      const other = this.#committers.get(key) ?? memberId
      this.#committers.set(key, memberId)
      // Who takes the place of a static member has its share of the same generation, and fences it.
      if (instanceOf(other) !== instanceOf(memberId)) {
        this.broken(`${other} and ${memberId} commit partition ${partition} in ${generation}`)
      }
      if (api !== 'OffsetCommit') continue
      const before = this.#committed.get(partition) ?? 0
      if (committedOffset < before) {
        this.broken(`${memberId} took partition ${partition} from ${before} to ${committedOffset}`)
      }
      this.#committed.set(partition, committedOffset)
    }
  }
}

/** Member ids of static members begin with their instance id. */
const instanceOf = (memberId: string): string => memberId.slice(0, memberId.lastIndexOf('-'))

/** A connector that notes commits, and whose requests wait while `silence` is there. */
function watchedConnector(
  connector: Connector,
  watch: Watch,
  silence: () => Promise<void> | undefined,
): Connector {
  return async address => {
    const connection = await connector(address)
    return {
      async request(api, body, options) {
        await silence()
        const answer = await connection.request(api, body, options)
        if (api.name === 'OffsetCommit' || api.name === 'TxnOffsetCommit') {
          watch.committing(api.name, body, answer)
        }
        await silence()
        return answer
      },
      close: () => connection.close(),
    }
  }
}

function newApp(watch: Watch, life: string): App {
  return defineApp('members', builder => {
    builder
      .stream(topic, text)
      .processValues<string>(context => {
        const { taskId } = context
        watch.began(taskId, life)
        return {
          process: given => context.forward(given),
          close: () => watch.ended(taskId, life),
        }
      })
      .to('out', text)
  })
}

/** One instance of the application, through its lives. */
class Instance {
  readonly #machine: Machine
  readonly #watch: Watch
  readonly #simulation: Simulation
  #lives = 0
  #application: Application | undefined
  #silence: Promise<void> | undefined
  /** Nothing is being done to it. */
  isFree = true

  constructor(simulation: Simulation, name: string, watch: Watch) {
    this.#simulation = simulation
    this.#machine = simulation.machine(name)
    this.#watch = watch
  }

  get isRunning(): boolean {
    return this.#application !== undefined
  }

  get state(): string {
    return this.#application?.state ?? 'NOT_RUNNING'
  }

  get #life(): string {
    return `${this.#machine.name}.${this.#lives}`
  }

  async start(): Promise<void> {
    this.#lives++
    const { platform } = this.#machine
    const connector = wireConnector(platform, { clientId: this.#life, requestTimeoutMs: 5_000 })
    const watched = watchedConnector(connector, this.#watch, () => this.#silence)
    const bootstrap = [brokerAddress]
    const client = createLogClient({
      platform,
      bootstrap,
      connector: watched,
      retryTimeoutMs: 600_000,
    })
    const app = newApp(this.#watch, this.#life)
    const application = await startApplication(app, {
      client,
      platform,
      engine: new CrashableEngine(),
      stateFolder: '/state',
      commitIntervalMs: 200,
    })
    this.#application = application
    application.finished.catch((error: unknown) =>
      this.#watch.broken(`${this.#life} failed: ${String(error)}`),
    )
  }

  async close(): Promise<void> {
    const application = this.#application
    this.#application = undefined
    await application?.close()
    this.#watch.died(this.#life)
  }

  /** The same instance comes back in `afterMs`, or later than its session ends. */
  async kill(afterMs: number): Promise<void> {
    this.#machine.kill()
    this.#application = undefined
    this.#watch.died(this.#life)
    await new Promise<void>(resolve => this.#simulation.after(afterMs, resolve))
    this.#machine.restart()
    await this.start()
  }

  /** It goes on, and nobody hears of it, nor it of anybody. */
  async silence(forMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#silence = promise
    this.#simulation.after(forMs, () => {
      this.#silence = undefined
      resolve()
    })
    await promise
  }
}

/** Whether all is there, once. */
async function isProcessed(
  client: LogClient,
  produced: ReadonlySet<string>,
  watch: Watch,
): Promise<boolean> {
  const out = await readText(client, 'out')
  const results = new Set(out)
  if (out.length > results.size) watch.broken(`${out.length - results.size} results came twice`)
  return results.size === produced.size
}

/** Everything that happens to the instances, from a seed. */
function drawActs(random: SeededRandom): { isCalm: boolean; acts: readonly Act[] } {
  const isCalm = random.chance(0.4)
  const acts: Act[] = ['start', 'start', 'close']
  if (random.chance(0.6)) acts.push('kill')
  if (!isCalm) acts.push('silence')
  if (!isCalm && random.chance(0.4)) acts.push('kill of the broker')
  return { isCalm, acts }
}

export async function runMembers(seed: number): Promise<MembersRun> {
  const random = seededRandom(seed, 'plan')
  const { isCalm, acts } = drawActs(random)
  const simulation = simulate({
    seed,
    networkDelayMs: random.chance(0.3) ? { min: 5, max: 300 } : { min: 0.05, max: 2 },
  })
  const watch = new Watch(isCalm)
  const broken = (sentence: string): void => watch.broken(sentence)
  const config = { offsetsTopicNumPartitions: 1, groupInitialRebalanceDelayMs: random.below(500) }
  const broker = new WatchedBroker(simulation, { config, broken })
  const instances = names.map(name => new Instance(simulation, name, watch))
  const faults: ActCounts = {}
  const outside = simulation.machine('outside').platform
  const wait = (ms: number): Promise<void> => pause(outside.timers, ms)
  const produced = new Set<string>()
  let isOver = false

  const act = async (): Promise<void> => {
    const kind = acts[random.below(acts.length)] ?? 'start'
    const free = instances.filter(({ isFree }) => isFree)
    const candidates = free.filter(({ isRunning }) => isRunning !== (kind === 'start'))
    const instance = candidates[random.below(candidates.length)]
    const isLong = random.chance(0.4)
    if (kind === 'kill of the broker') {
      faults[kind] = (faults[kind] ?? 0) + 1
      broker.stop('kill')
      await wait(random.below(2_000))
      broker.start()
      return
    }
    if (instance === undefined) return
    faults[kind] = (faults[kind] ?? 0) + 1
    simulation.note(`${kind} ${names[instances.indexOf(instance)]}`)
    instance.isFree = false
    const awayMs = isLong ? 50_000 + random.below(20_000) : random.below(5_000)
    const done = {
      start: () => instance.start(),
      close: () => instance.close(),
      kill: () => instance.kill(awayMs),
      silence: () => instance.silence(awayMs),
    }[kind]()
    void done.catch((error: unknown) => broken(String(error))).then(() => (instance.isFree = true))
  }

  const feed = async (client: LogClient, goesOn: () => boolean): Promise<void> => {
    for (let round = 0; goesOn(); round++) {
      const values = Array.from({ length: partitions }, (_, index) => `${round}.${index}`)
      await produce(
        client,
        topic,
        values.map(value => record(value, value)),
      )
      for (const value of values) produced.add(value)
      await wait(500)
    }
  }

  const live = async (): Promise<void> => {
    broker.start()
    const connector = wireConnector(outside, { clientId: 'outside', requestTimeoutMs: 5_000 })
    const bootstrap = [brokerAddress]
    const client = createLogClient({
      platform: outside,
      bootstrap,
      connector,
      retryTimeoutMs: 600_000,
    })
    await client.createTopics([{ name: topic, partitions }])
    await Promise.all(instances.slice(0, 2).map(instance => instance.start()))
    const feeding = feed(client, () => !isOver)
    const count = 4 + random.below(5)
    for (let done = 0; done < count; done++) {
      await act()
      await wait(random.chance(0.5) ? random.below(1_500) : random.below(20_000))
    }
    while (!instances.every(({ isFree }) => isFree)) await wait(500)
    for (const instance of instances) if (!instance.isRunning) await instance.start()
    isOver = true
    await feeding
    const isSettled = (): boolean =>
      watch.isWhole && instances.every(({ state }) => state === 'RUNNING')
    while (!(await isProcessed(client, produced, watch))) await wait(500)
    // Who came last may still be about to get its tasks.
    do await wait(20_000)
    while (!isSettled())
    const { starts } = watch
    await wait(60_000)
    if (!isSettled() || watch.starts > starts) broken('The group did not stay settled')
  }

  let ended = false
  const life = live()
    .catch((error: unknown) => broken(String(error)))
    .finally(() => (ended = true))
  const isDone = (): boolean => ended || watch.violation !== undefined
  try {
    await simulation.run(isDone, { maxVirtualMs: 1_500_000 })
    if (watch.violation === undefined) await simulation.run(life)
  } catch (error) {
    broken(error instanceof Error ? error.message : String(error))
  }
  const { violation, starts, commits } = watch
  const { nowMs: virtualMs, trace } = simulation
  return { violation, faults, starts, commits, virtualMs, traceHash: trace.hash }
}

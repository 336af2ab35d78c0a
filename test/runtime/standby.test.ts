import { describe, expect, test } from 'vitest'
import type { App } from '../../src/dsl/define-app.ts'
import { defineApp } from '../../src/dsl/define-app.ts'
import type { Application, ApplicationOptions } from '../../src/runtime/application.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { type SimulatedLog, simulatedLog } from './simulated-log.ts'
import { produce, readAll, readText, record, type TestRecord } from './testbed.ts'

const text = { key: string(), value: string() }
const partitions = 4

const counting = (inMemory = false): App =>
  defineApp('counts', builder => {
    builder
      .stream('in', text)
      .groupByKey()
      .count({ store: 'counts', inMemory })
      .toStream()
      .to('out', { key: string(), value: json<number>() })
  })

const words = (n: number, from = 0): TestRecord[] =>
  Array.from({ length: n }, (_, i) => record(`key-${(from + i) % 100}`, 'x', from + i))

/** Several instances in one simulation, each with its folder. */
class Cluster {
  readonly world: SimulatedLog
  readonly instances = new Map<string, Application>()
  readonly events: string[] = []

  private constructor(world: SimulatedLog) {
    this.world = world
  }

  static async start(): Promise<Cluster> {
    const world = await simulatedLog()
    await world.run(world.client.createTopics([{ name: 'in', partitions }]))
    return new Cluster(world)
  }

  async add(name: string, app: App, config: Partial<ApplicationOptions> = {}): Promise<void> {
    const { world, events } = this
    const log =
      (what: string) =>
      ({ topic, partition }: { topic: string; partition: number }, ...rest: unknown[]): void => {
        events.push(`${name} ${what} ${topic}-${partition} ${rest.join(' ')}`)
      }
    const application = await world.run(
      startApplication(app, {
        ...world.options,
        client: world.connect(),
        engine: new CrashableEngine(),
        stateFolder: `/${name}`,
        restoreListener: { onRestoreStart: log('restores'), onRestoreEnd: log('has restored') },
        standbyUpdateListener: {
          onUpdateStart: log('follows'),
          onUpdateSuspended: log('leaves'),
        },
        ...config,
      }),
    )
    this.instances.set(name, application)
  }

  async produce(records: readonly TestRecord[]): Promise<void> {
    await this.world.run(produce(this.world.client, 'in', records))
  }

  async out(): Promise<string[]> {
    return this.world.run(readText(this.world.client, 'out'))
  }

  /** Until all run and have what is in the topics. */
  async settle(): Promise<void> {
    const { world } = this
    await world.until(() => [...this.instances.values()].every(({ state }) => state === 'RUNNING'))
    await world.pass(3000)
  }

  async close(name: string): Promise<void> {
    await this.world.run(this.instances.get(name)?.close() ?? Promise.resolve())
    this.instances.delete(name)
  }

  async end(): Promise<void> {
    for (const name of this.instances.keys()) await this.close(name)
  }
}

const replicas = { numStandbyReplicas: 1 }

describe.each([
  { title: 'on disk', inMemory: false },
  { title: 'in memory', inMemory: true },
])('state $title', ({ inMemory }) => {
  test('a standby takes a task over with its state when an instance is gone', async () => {
    const cluster = await Cluster.start()
    const app = counting(inMemory)
    await cluster.add('a', app, replicas)
    await cluster.add('b', app, replicas)
    await cluster.settle()
    await cluster.produce(words(1000))
    await cluster.settle()
    cluster.events.length = 0
    await cluster.close('a')
    await cluster.world.pass(60_000)
    await cluster.settle()
    await cluster.produce(words(100))
    await cluster.settle()
    const out = await cluster.out()
    expect(out.filter(line => line.endsWith('=11'))).toHaveLength(100)
    expect(out).toHaveLength(1100)
    expect(cluster.events.filter(event => event.startsWith('b leaves'))).toHaveLength(2)
    expect(cluster.events.filter(event => event.endsWith('promoted'))).toHaveLength(2)
    expect(cluster.events.filter(event => event.includes('b restores'))).toEqual([])
    await cluster.end()
  })

  test('work moves to a newcomer when it has caught up, and nobody waits for that', async () => {
    const cluster = await Cluster.start()
    const { world, events } = cluster
    const app = counting(inMemory)
    const config = { acceptableRecoveryLag: 0, probingRebalanceIntervalMs: 60_000 }
    await cluster.add('a', app, config)
    await cluster.settle()
    await cluster.produce(words(1000))
    await cluster.settle()
    events.length = 0

    await cluster.add('b', app, config)
    await world.pass(10_000)
    expect(events).toEqual([
      expect.stringMatching(/^b follows/),
      expect.stringMatching(/^b follows/),
    ])
    // Everything still runs where it did.
    expect(cluster.instances.get('a')?.state).toBe('RUNNING')
    await cluster.produce(words(100))
    await world.pass(1000)
    expect(await cluster.out()).toHaveLength(1100)

    await world.pass(60_000)
    await cluster.settle()
    expect(events.filter(event => event.endsWith('promoted'))).toHaveLength(2)
    expect(events.filter(event => event.startsWith('b restores'))).toEqual([])
    await cluster.produce(words(100))
    await world.pass(1000)
    const out = await cluster.out()
    expect(out).toHaveLength(1200)
    expect(out.filter(line => line.endsWith('=12'))).toHaveLength(100)
    // Balanced: nothing is left to move.
    events.length = 0
    await world.pass(300_000)
    expect(events).toEqual([])
    await cluster.end()
  })
})

test('a topic that stands for a changelog is followed only as far as the group has processed it', async () => {
  const cluster = await Cluster.start()
  const { world, events } = cluster
  const app = defineApp(
    'app',
    builder => {
      builder
        .table('in', { ...text, store: 'rows' })
        .groupBy((key, value) => [value, key], text)
        .count({ store: 'counts' })
        .toStream()
        .to('out', { key: string(), value: json<number>() })
    },
    { optimization: ['reuseKTableSourceTopics'] },
  )
  const rows = (value: string): TestRecord[] =>
    Array.from({ length: 40 }, (_, i) => record(`key-${i}`, value, i))
  await cluster.add('a', app, replicas)
  await cluster.produce(rows('first'))
  await cluster.settle()
  await cluster.add('b', app, replicas)
  await cluster.settle()
  for (const application of cluster.instances.values()) application.pause()
  await cluster.produce(rows('second'))
  await world.pass(10_000)
  events.length = 0
  await cluster.close('a')
  await world.pass(60_000)
  const ofRows = events.filter(event => event.startsWith('b leaves in-'))
  expect(ofRows).toHaveLength(2)
  const written = await world.run(readAll(world.client, 'in'))
  for (const event of ofRows) {
    const partition = Number(/in-(\d)/.exec(event)?.[1])
    const half = written.filter(each => each.partition === partition).length / 2
    expect(half).toBeGreaterThan(0)
    expect(event.startsWith(`b leaves in-${partition} rows ${half} `)).toBe(true)
  }

  cluster.instances.get('b')?.resume()
  await cluster.settle()
  // Taken from `first` and added to `second`, each once: what the table had before is what it must have had.
  const counts = new Map((await cluster.out()).map(line => line.split('=') as [string, string]))
  expect(Object.fromEntries(counts)).toEqual({ first: '0', second: '40' })
  await cluster.end()
})

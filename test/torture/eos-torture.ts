/**
 * Exactly once, from outside: worker processes of an application and the broker under them are killed, stopped for a while,
 * added and removed while input is committed and aborted. Afterwards everything that was written must follow from the
 * committed input alone; that is looked at in the order of Kafka's own test, `EosTestDriver`:
 *
 * 1. all of the committed input has gone through, and the committed offsets say so;
 * 2. no transaction is open on any partition: it would hide from a reader of committed records what is lost, and what is
 *    doubled;
 * 3. each partition of each output is, as a list, the fold of its input;
 * 4. each store that any worker has on its disk is the fold of its changelog up to where it stands, one of them stands at the
 *    end, and that is what the output shows;
 * 5. who read committed records all the time saw the same lists.
 *
 * A fault counts when it is known to have happened, and between two of them every partition must have got further.
 */
import assert from 'node:assert/strict'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import type { Generated } from './generator.ts'
import { Follower, openTransactions, readCommitted, stableOffsets } from './log-view.ts'
import { verifyStores } from './store-oracle.ts'
import { changelogOf } from './subject.ts'
import { type Fault, TorturedWorld, type WorldOptions } from './tortured-world.ts'

export interface EosTortureOptions extends WorldOptions {
  /** Kills of workers and brokers; what else is done does not count. */
  readonly kills: number
  readonly say?: (line: string) => void
}

export interface EosTortureResult {
  readonly generated: Generated
  readonly output: number
  /** How often each happened, and points by themselves, too. */
  readonly faults: ReadonlyMap<string, number>
  readonly kills: number
  readonly workerKills: number
  /** Kills after which a transaction of the worker was open; null where that cannot be seen. */
  readonly killsInTransaction: number | null
  /** From a fault to news on every partition, in milliseconds, longest last. */
  readonly recoveriesMs: readonly number[]
}

/** After how long without news on a partition the application is taken to be stuck. */
const STUCK_MS = 60_000
/** How far the input may be ahead of what has gone through, in records. */
const AHEAD = 5_000

/** Throws an assertion that says what was broken. */
export async function tortureExactlyOnce(
  folder: string,
  options: EosTortureOptions,
): Promise<EosTortureResult> {
  const world = await TorturedWorld.start(folder, options)
  const platform = nodePlatform()
  const [host = '', port] = world.bootstrap.split(':')
  await using client = createLogClient({
    platform,
    bootstrap: [{ host, port: Number(port) }],
    connector: wireConnector(platform, { clientId: 'torture' }),
  })
  try {
    return await new Torture(folder, options, world, client).run()
  } finally {
    await world.end()
  }
}

class Torture {
  readonly #folder: string
  readonly #options: EosTortureOptions
  readonly #world: TorturedWorld
  readonly #client: LogClient

  constructor(folder: string, options: EosTortureOptions, world: TorturedWorld, client: LogClient) {
    this.#folder = folder
    this.#options = options
    this.#world = world
    this.#client = client
  }

  async run(): Promise<EosTortureResult> {
    const { seed, subject, kills, say = () => {} } = this.#options
    const { inputs, tables, outputs, partitions } = subject
    const world = this.#world
    // What is from long ago is not to be deleted by the clock.
    const configs = { 'retention.ms': '-1' }
    await this.#client.createTopics(
      [...inputs, ...tables, ...outputs].map(name => ({ name, partitions, configs })),
    )
    await world.startWorkers()

    const follower = new Follower(this.#client, [...inputs, ...outputs], partitions)
    const stopping = new AbortController()
    const through = (): number => follower.count(subject.progress)
    const writing = subject.write(this.#client, {
      seed,
      ready: written =>
        follower.until(() => stopping.signal.aborted || written - through() < AHEAD),
      stopping: stopping.signal,
    })
    // Without input nothing goes on, and `progress` says so.
    writing.catch(() => stopping.abort())
    const faults = new Map<string, number>()
    const recoveriesMs: number[] = []
    try {
      await this.#progress(follower)
      const isMissing = (fault: Fault): boolean => !faults.has(fault)
      while (world.kills.workers + world.kills.brokers < kills || world.faults.some(isMissing)) {
        const done = await world.inflict(async () => void (await this.#progress(follower)))
        if (done.length === 0) continue
        for (const name of done) faults.set(name, (faults.get(name) ?? 0) + 1)
        recoveriesMs.push(await this.#progress(follower))
        say(`${done.at(-1)}: back after ${recoveriesMs.at(-1)} ms, ${through()} records through`)
      }
    } finally {
      stopping.abort()
    }
    const generated = await writing
    await this.#drained()
    await world.stopWorkers()
    if (this.#options.world === 'embedded') await world.startBroker()
    await this.#verify(follower)
    return {
      generated,
      output: outputs.reduce((sum, topic) => sum + follower.count(topic), 0),
      faults,
      kills: world.kills.workers + world.kills.brokers,
      workerKills: world.kills.workers,
      killsInTransaction: world.seesTransactions ? world.kills.inTransaction : null,
      recoveriesMs: recoveriesMs.sort((a, b) => a - b),
    }
  }

  /** Resolves when every partition of the output has news since the call, with the time it took in milliseconds. */
  async #progress(follower: Follower): Promise<number> {
    const topic = this.#options.subject.progress
    const lists = follower.lists.get(topic) ?? []
    const before = lists.map(({ length }) => length)
    const started = performance.now()
    await follower.until(() => {
      this.#world.refuseFailures()
      const stuck = lists.flatMap(({ length }, partition) =>
        length > (before[partition] ?? 0) ? [] : [`${topic}-${partition}`],
      )
      if (performance.now() - started > STUCK_MS) {
        assert.deepEqual(stuck, [], `no news for ${STUCK_MS} ms\n${this.#world.logs}`)
      }
      return stuck.length === 0
    })
    return Math.round(performance.now() - started)
  }

  /** Everything that was committed has gone through, and the offsets say so. */
  async #drained(): Promise<void> {
    const { name: group, inputs, repartitions, partitions: count } = this.#options.subject
    const topics = [...inputs, ...repartitions]
    const partitions = topics.flatMap(topic =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition })),
    )
    const started = performance.now()
    for (;;) {
      this.#world.refuseFailures()
      const ends = await stableOffsets(this.#world.bootstrap, topics, count)
      const committed = await this.#client.committedOffsets(group, partitions)
      const reached = new Map(
        committed.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]),
      )
      const behind = [...ends].flatMap(([name, { stable, end }]) =>
        stable === end && (reached.get(name) ?? 0) === end
          ? []
          : [
              `${name} is committed to ${reached.get(name)}, stable to ${stable}, and ends at ${end}`,
            ],
      )
      if (behind.length === 0) return
      if (performance.now() - started > STUCK_MS) {
        assert.deepEqual(behind, [], `not done after ${STUCK_MS} ms\n${this.#world.logs}`)
      }
      await new Promise(done => setTimeout(done, 100))
    }
  }

  async #verify(follower: Follower): Promise<void> {
    const { subject, say } = this.#options
    const { inputs, repartitions, outputs, stores, partitions } = subject
    const { bootstrap } = this.#world
    const changelogs = Object.keys(stores).map(store => changelogOf(subject, store))
    const topics = [...inputs, ...repartitions, ...outputs, ...changelogs]
    for (const [name, { stable, end }] of await stableOffsets(bootstrap, topics, partitions)) {
      assert.equal(stable, end, `a transaction is open on ${name}`)
    }
    assert.deepEqual(await openTransactions(bootstrap), [], 'a transaction is open')
    const lists = await readCommitted(this.#client, bootstrap, topics, partitions)
    for (const topic of inputs) {
      assert(lists.get(topic)?.every(({ length }) => length > 0) === true, `no input in ${topic}`)
    }
    subject.verify(lists)
    const compared = await verifyStores(this.#folder, lists, subject)
    say?.(`${compared} stores on disk are as their changelogs`)
    for (const [topic, followed] of follower.lists) {
      const wanted = lists.get(topic) ?? []
      await follower.until(() =>
        followed.every((list, partition) => list.length >= (wanted[partition]?.length ?? 0)),
      )
      assert.deepEqual(followed, wanted, `who read ${topic} all the time saw something else`)
    }
    await follower.close()
  }
}

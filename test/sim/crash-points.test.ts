/**
 * One small life of a broker (topics made and deleted, records in several segments, a group that commits, a clean restart,
 * more of everything), and then again for every file operation of it with a fault just there: a power loss, a kill, a
 * full disk, an I/O error. Whatever the operation was: nobody who uses the broker gets more than a delay, and after a
 * last power loss everything that was acknowledged is there.
 */
import { describe, expect, test } from 'vitest'
import type { LogClient } from '../../src/client/log-client.ts'
import type { Operation, OperationKind } from '../../src/platform/simulated/operation.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { systemError } from '../../src/platform/simulated/system-error.ts'
import { batchOf } from '../client/records.ts'
import { connect, group, readLog, topic } from './actors.ts'
import { History } from './history.ts'
import { WatchedBroker } from './watched-broker.ts'

const faults = ['power loss', 'kill', 'ENOSPC', 'EIO'] as const
type Fault = (typeof faults)[number]

/** They leave nothing that a process could be stopped before or after, and need no space. */
const readingKinds: ReadonlySet<OperationKind> = new Set(['read', 'list', 'size'])

interface Life {
  readonly violation: string | undefined
  /** The operation that was hit; undefined when there were not so many. */
  readonly hit: Operation | undefined
  readonly operations: number
}

const partitions = [{ topic, partition: 0 }]
const configs = { 'segment.bytes': '300' }

/** What a user does; every step waits until the broker has agreed. */
async function use(client: LogClient, history: History, round: number, now: number): Promise<void> {
  await client.createTopics([
    { name: topic, partitions: 1, configs },
    { name: `passing-${round}`, partitions: 1 },
  ])
  const producer = await client.producer()
  const sending = [0, 1, 2, 3].map(async n => {
    const values = [`round ${round} record ${n} ${'x'.repeat(60)}`]
    history.sent(0, `producer ${round}`, values)
    const [place] = await producer.send([{ ...at0, batch: batchOf(values, now) }])
    history.acknowledged(0, place?.offset ?? -1, values)
  })
  await Promise.all(sending)
  await producer.close()
  await commit(client, history, round * 4)
  await client.deleteTopics([`passing-${round}`])
}

const at0 = { topic, partition: 0 }

/** Joins the group, commits one offset and leaves. */
async function commit(client: LogClient, history: History, offset: number): Promise<void> {
  const { promise: assigned, resolve, reject } = Promise.withResolvers<void>()
  const member = client.joinGroup({
    group,
    topics: [topic],
    userData: Buffer.alloc(0),
    protocol: 'all',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 1_000,
    assign: async ([first]) => [
      { memberId: first?.memberId ?? '', partitions, userData: Buffer.alloc(0) },
    ],
    assigned: () => resolve(),
    lost: async () => {},
    failed: reject,
  })
  await assigned
  history.commitAsked(0, offset)
  await member.commit([{ ...at0, offset, metadata: '' }])
  history.commitAcknowledged(0, offset)
  await member.leave()
}

/** One life in which the fault comes at the first operation from that number on that it can come at. */
async function live(fault: Fault | undefined, from: number): Promise<Life> {
  const simulation = simulate({ seed: from })
  const history = new History(1)
  const broken = (sentence: string): void => history.broken(sentence)
  const config = { offsetsTopicNumPartitions: 1 }
  const broker = new WatchedBroker(simulation, { broken, config })
  const { machine } = broker
  let hit: Operation | undefined
  machine.onOperation = current => {
    if (fault === undefined || hit !== undefined || current.number < from) return
    if (fault !== 'EIO' && readingKinds.has(current.kind)) return
    hit = current
    if (fault === 'power loss' || fault === 'kill') {
      broker.stop(fault)
      simulation.after(20, () => broker.start())
    } else {
      broker.hasDiskFaults = true
      throw systemError(fault)
    }
  }
  const user = simulation.machine('user').platform

  async function wholeLife(): Promise<void> {
    broker.start()
    const client = connect(user)
    await use(client, history, 1, user.clock.now())
    await broker.close()
    broker.start()
    await use(client, history, 2, user.clock.now())
    broker.stop('power loss')
    broker.start()
    await readLog({ platform: user, history, partitions })
    const [committed] = await client.committedOffsets(group, partitions)
    history.committedAnswered(0, committed?.offset ?? 0, history.committedFloors())
    const names = [...(await client.describeTopics()).keys()].sort()
    const expected = ['__consumer_offsets', topic]
    if (names.join() !== expected.join()) broken(`There are the topics ${names.join()}`)
    await client.close()
  }
  try {
    await simulation.run(wholeLife(), { maxVirtualMs: 100_000 })
  } catch (error) {
    broken(error instanceof Error ? error.message : String(error))
  }
  return { violation: history.violation, hit, operations: machine.operations }
}

describe('a broker', () => {
  test.each(faults)('bears this at any file operation: %s', async fault => {
    const { operations, violation } = await live(undefined, 0)
    expect(violation).toBeUndefined()
    let points = 0
    for (let from = 1; ; points++) {
      const life = await live(fault, from)
      const { hit } = life
      expect(
        life.violation,
        `${fault} at ${hit?.number} (from ${from}), ${hit?.kind} ${hit?.path}`,
      ).toBeUndefined()
      if (hit === undefined) break
      from = hit.number + 1
    }
    // Not every operation is one that it can come at, and each seed flushes a little differently.
    expect(points).toBeGreaterThan(operations / 3)
  })
})

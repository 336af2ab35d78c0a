/** Those who use the broker in the simulation. What they do and are told goes into the history. */
import { z } from 'zod'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type {
  GroupAssignment,
  GroupMember,
  GroupMemberInfo,
  LogClient,
  TopicPartition,
} from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Platform } from '../../src/platform/platform.ts'
import type { SeededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { handOver, settleClaims } from '../../src/runtime/hand-over.ts'
import { pause } from '../../src/runtime/pause.ts'
import { batchOf, recordsOf } from '../client/records.ts'
import type { History } from './history.ts'
import { brokerAddress } from './watched-broker.ts'

export const topic = 'records'
export const group = 'readers'

export interface Scene {
  readonly platform: Platform
  readonly history: History
  readonly partitions: readonly TopicPartition[]
}

export function connect(platform: Platform): LogClient {
  const connector = wireConnector(platform, { clientId: 'simulated', requestTimeoutMs: 5_000 })
  const options = { platform, bootstrap: [brokerAddress], connector }
  return createLogClient({ ...options, retryTimeoutMs: 120_000 })
}

/** Sends batches to any partition, several at a time, as long as `goesOn` says so; resolves when all are acknowledged. */
export async function produce(
  { platform, history, partitions }: Scene,
  name: string,
  random: SeededRandom,
  goesOn: () => boolean,
): Promise<void> {
  const client = connect(platform)
  const producer = await client.producer()
  const onTheWay = new Set<Promise<void>>()
  for (let count = 0; goesOn();) {
    const partition = random.below(partitions.length)
    const values = Array.from({ length: 1 + random.below(3) }, () => {
      count += 1
      return `${name}-${count}-${'x'.repeat(random.below(4) * random.below(200))}`
    })
    history.sent(partition, name, values)
    const send = async (): Promise<void> => {
      const batches = [{ topic, partition, batch: batchOf(values, platform.clock.now()) }]
      try {
        const [place] = await producer.send(batches)
        history.acknowledged(partition, place?.offset ?? -1, values)
      } catch (error) {
        history.broken(`What ${name} sent failed: ${String(error)}`)
      }
    }
    const sending = send().finally(() => onTheWay.delete(sending))
    onTheWay.add(sending)
    await pause(platform.timers, random.within({ min: 0, max: 15 }))
    if (onTheWay.size >= 8) await Promise.race(onTheWay)
  }
  await Promise.all(onTheWay)
  await client.close()
}

/** Reads every partition from its start while it is written, until `isDone`. */
export async function tail(
  { platform, history, partitions }: Scene,
  isDone: (positions: readonly number[]) => boolean,
): Promise<void> {
  const client = connect(platform)
  const consumer = client.consumer({ maxPartitionBytes: 1_000 })
  consumer.assign(partitions.map(partition => ({ ...partition, offset: 0 })))
  while (!isDone(partitions.map(partition => consumer.position(partition)))) {
    for (const fetched of await consumer.poll(500)) {
      const { partition, offset, batches, nextOffset, highWatermark } = fetched
      history.consumed(partition, offset, recordsOf(batches, offset), 'a reader')
      if (nextOffset > highWatermark) {
        history.broken(`${partition} was shown to ${nextOffset}, past its end ${highWatermark}`)
      }
    }
  }
  await client.close()
}

/** Asks again and again where the log ends and what is committed; `isDone` gets the answers of one round. */
export async function observe(
  { platform, history, partitions }: Scene,
  isDone: (ends: readonly number[], committed: readonly number[]) => boolean,
): Promise<void> {
  const client = connect(platform)
  for (;;) {
    const seen = history.seenEnds()
    const ends = await client.listOffsets(partitions, 'latest')
    history.endsAnswered(ends, seen)
    const floors = history.committedFloors()
    const answers = await client.committedOffsets(group, partitions)
    const committed = partitions.map(
      ({ partition }) => answers.find(answer => answer.partition === partition)?.offset ?? 0,
    )
    for (const [partition, offset] of committed.entries()) {
      history.committedAnswered(partition, offset, floors)
    }
    const endOffsets = ends.map(({ offset }) => offset)
    if (isDone(endOffsets, committed)) break
    await pause(platform.timers, 30)
  }
  await client.close()
}

/** A member of the group: reads its share from where the group stopped, and commits as it goes. */
export function joinGroup({ platform, history, partitions }: Scene): GroupMember {
  const client = connect(platform)
  let work = { stopped: true, done: Promise.resolve() }

  async function readShare(share: readonly TopicPartition[], current: typeof work): Promise<void> {
    const floors = history.committedFloors()
    const committed = await client.committedOffsets(group, share)
    const start = share.map(({ partition }) => {
      const offset = committed.find(each => each.partition === partition)?.offset ?? 0
      history.committedAnswered(partition, offset, floors)
      return { topic, partition, offset }
    })
    const consumer = client.consumer({ maxPartitionBytes: 2_000 })
    consumer.assign(start)
    while (!current.stopped) {
      const offsets = []
      for (const { partition, offset, batches, nextOffset } of await consumer.poll(100)) {
        history.consumed(partition, offset, recordsOf(batches, offset), 'a member')
        offsets.push({ topic, partition, offset: nextOffset, metadata: '' })
      }
      if (offsets.length === 0) continue
      for (const { partition, offset } of offsets) history.commitAsked(partition, offset)
      try {
        await member.commit(offsets)
        for (const { partition, offset } of offsets) history.commitAcknowledged(partition, offset)
      } catch (error) {
        if (error instanceof MillraceError && error.retriable) break
        throw error
      }
    }
    await consumer.close()
  }
  const stop = async (): Promise<void> => {
    work.stopped = true
    await work.done
  }
  const failed = (error: unknown): void => history.broken(`A member failed: ${String(error)}`)

  /** What it has, whether it reads it or is about to give it up, and what it was given last. */
  let held: readonly TopicPartition[] = []
  let given: readonly TopicPartition[] = []
  let turn = Promise.resolve()
  const take = async (share: readonly TopicPartition[]): Promise<void> => {
    const kept = numbersOf(share)
    const revoked = held.filter(({ partition }) => !kept.includes(partition))
    await stop()
    held = share
    if (revoked.length > 0) member.rejoin()
    const current = { stopped: false, done: Promise.resolve() }
    work = current
    current.done = readShare(share, current).catch(failed)
  }

  const member = client.joinGroup({
    group,
    topics: [topic],
    get userData() {
      return Buffer.from(JSON.stringify(numbersOf([...held, ...given])))
    },
    protocol: 'by-turns',
    sessionTimeoutMs: 1_500,
    rebalanceTimeoutMs: 3_000,
    assign: async members => shareOut(members, partitions),
    assigned: ({ partitions: share }) => {
      given = share
      turn = turn.then(() => take(share)).catch(failed)
    },
    lost: async () => {
      given = []
      await turn
      await stop()
      held = []
    },
    failed,
  })
  return member
}

const numbersOf = (partitions: readonly TopicPartition[]): number[] => [
  ...new Set(partitions.map(({ partition }) => partition)),
]

/** In turns; what moves is given away when its owner has given it up. */
function shareOut(
  members: readonly GroupMemberInfo[],
  partitions: readonly TopicPartition[],
): GroupAssignment[] {
  const ids = members.map(({ memberId }) => memberId).sort()
  const claims = members.map(({ memberId, generation, userData }) => ({
    memberId,
    generation,
    owned: z.array(z.number()).parse(JSON.parse(userData.toString())).map(String),
  }))
  const wanted = ids.map((memberId, index): [string, string[]] => [
    memberId,
    numbersOf(partitions)
      .filter(partition => partition % ids.length === index)
      .map(String),
  ])
  return [...handOver(settleClaims(claims), new Map(wanted))].map(([memberId, { tasks }]) => ({
    memberId,
    partitions: tasks.map(task => ({ topic, partition: Number(task) })),
    userData: Buffer.alloc(0),
  }))
}

/** Everything that a partition holds, as somebody finds it who was not there before. */
export async function readLog({ platform, history, partitions }: Scene): Promise<void> {
  const client = connect(platform)
  const seen = history.seenEnds()
  const ends = await client.listOffsets(partitions, 'latest')
  history.endsAnswered(ends, seen)
  const consumer = client.consumer()
  consumer.assign(partitions.map(partition => ({ ...partition, offset: 0 })))
  const logs = partitions.map((): { offset: number; value: string }[] => [])
  const isMissing = (): boolean =>
    ends.some(({ partition, offset }) => (logs[partition]?.length ?? 0) < offset)
  while (isMissing()) {
    for (const { partition, batches, offset } of await consumer.poll(1_000)) {
      logs[partition]?.push(...recordsOf(batches, offset))
    }
  }
  for (const [partition, log] of logs.entries()) history.finish(partition, log)
  await client.close()
}

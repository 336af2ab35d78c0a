/** What a reader of committed records finds in a log, and which transactions are open in it. */
import assert from 'node:assert/strict'
import type { Connection } from '../../src/client/connection.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { listTransactions } from '../../src/protocol/messages/66-list-transactions.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'

/** Key and value as latin1, so that they compare as bytes do. */
export interface Entry {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

/** By topic, then by partition. */
export type Lists = ReadonlyMap<string, readonly (readonly Entry[])[]>

/** A consumer of committed records that follows topics from their beginning until it is closed. */
export class Follower {
  readonly lists: Map<string, Entry[][]> = new Map()
  readonly #following: Promise<void>
  #isClosed = false
  #moved = Promise.withResolvers<void>()

  constructor(client: LogClient, topics: readonly string[], partitions: number) {
    const all = topics.flatMap(topic => {
      this.lists.set(
        topic,
        Array.from({ length: partitions }, () => []),
      )
      return Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 }))
    })
    this.#following = this.#follow(client, all)
    // Whoever waits hears of it, and `close` throws it.
    this.#following.catch(() => this.#moved.resolve())
  }

  async #follow(
    client: LogClient,
    partitions: Parameters<ReturnType<LogClient['consumer']>['assign']>[0],
  ): Promise<void> {
    const consumer = client.consumer({ isolation: 'readCommitted' })
    consumer.assign(partitions)
    const reader = new RecordReader()
    while (!this.#isClosed) {
      for (const { topic, partition, batches, offset } of await consumer.poll(100)) {
        const list = this.lists.get(topic)?.[partition]
        assert(list !== undefined)
        reader.reset(batches)
        while (reader.next()) {
          if (reader.isControl || reader.offset < offset) continue
          assert(reader.offset > (list.at(-1)?.offset ?? -1), `${topic}-${partition} went back`)
          list.push({
            offset: reader.offset,
            key: reader.key?.toString('latin1') ?? null,
            value: reader.value?.toString('latin1') ?? null,
            timestamp: reader.timestamp,
          })
        }
      }
      this.#moved.resolve()
      this.#moved = Promise.withResolvers()
    }
    await consumer.close()
  }

  /** Resolves when the condition on the lists holds, which is looked at whenever records came and several times a second. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { promise } = this.#moved
      await Promise.race([promise, this.#following])
    }
  }

  count(topic: string): number {
    return (this.lists.get(topic) ?? []).reduce((sum, { length }) => sum + length, 0)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#following
  }
}

/** Everything committed up to the present end. */
export async function readCommitted(
  client: LogClient,
  bootstrap: string,
  topics: readonly string[],
  partitions: number,
): Promise<Lists> {
  const ends = await stableOffsets(bootstrap, topics, partitions)
  const consumer = client.consumer({ isolation: 'readCommitted' })
  const all = topics.flatMap(topic =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })),
  )
  const lists = new Map(
    topics.map(topic => [topic, Array.from({ length: partitions }, (): Entry[] => [])]),
  )
  const reader = new RecordReader()
  consumer.assign(all)
  const isBehind = (): boolean =>
    all.some(({ topic, partition }) => {
      const end = ends.get(`${topic}-${partition}`)?.stable ?? 0
      return consumer.position({ topic, partition }) < end
    })
  while (isBehind()) {
    for (const { topic, partition, batches, offset } of await consumer.poll(100)) {
      reader.reset(batches)
      while (reader.next()) {
        if (reader.isControl || reader.offset < offset) continue
        lists.get(topic)?.[partition]?.push({
          offset: reader.offset,
          key: reader.key?.toString('latin1') ?? null,
          value: reader.value?.toString('latin1') ?? null,
          timestamp: reader.timestamp,
        })
      }
    }
  }
  await consumer.close()
  return lists
}

/** Where readers of committed records must stop, and where those of all records must, by `topic-partition`. */
export async function stableOffsets(
  bootstrap: string,
  topics: readonly string[],
  partitions: number,
): Promise<Map<string, { stable: number; end: number }>> {
  return connected(bootstrap, async connection => {
    const ask = async (isolationLevel: number): Promise<Map<string, number>> => {
      const numbers = Array.from({ length: partitions }, (_, partition) => partition)
      const asked = numbers.map(partitionIndex => ({ partitionIndex, timestamp: -1 }))
      const { topics: answers } = await connection.request(listOffsets, {
        replicaId: -1,
        isolationLevel,
        topics: topics.map(name => ({ name, partitions: asked })),
        timeoutMs: 10_000,
      })
      return new Map(
        answers.flatMap(({ name, partitions: each }) =>
          each.map(({ partitionIndex, errorCode, offset }) => {
            assert.equal(errorCode, 0, `ListOffsets of ${name}-${partitionIndex}`)
            return [`${name}-${partitionIndex}`, offset] as const
          }),
        ),
      )
    }
    // The ends first: what is stable afterwards is at least as far.
    const ends = await ask(0)
    const stable = await ask(1)
    return new Map([...ends].map(([name, end]) => [name, { stable: stable.get(name) ?? -1, end }]))
  })
}

/** Transactional ids whose transaction has begun and has not ended. */
export async function openTransactions(bootstrap: string): Promise<string[]> {
  return connected(bootstrap, async connection => {
    const { errorCode, transactionStates } = await connection.request(listTransactions, {
      stateFilters: ['Ongoing', 'PrepareCommit', 'PrepareAbort'],
      producerIdFilters: [],
      durationFilter: -1,
    })
    assert.equal(errorCode, 0, 'ListTransactions')
    return transactionStates.map(({ transactionalId }) => transactionalId)
  })
}

async function connected<Result>(
  bootstrap: string,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const [host = '', port] = bootstrap.split(':')
  const connector = wireConnector(nodePlatform(), { clientId: 'torture' })
  const connection = await connector({ host, port: Number(port) })
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

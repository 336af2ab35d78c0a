/** Clients with mistakes that the oracle must find: if it does not, it is the oracle that is broken. */
import type {
  CommittedOffset,
  GroupMember,
  LogClient,
  OffsetCommitter,
  PartitionBatch,
} from '../../../src/client/log-client.ts'

type Client = LogClient & AsyncDisposable

/** Commits the offsets, and writes what belongs to them afterwards. */
export function flushingLate(client: Client): Client {
  return {
    ...client,
    async transactionalProducer(options) {
      const producer = await client.transactionalProducer(options)
      let late: PartitionBatch[] = []
      return Object.assign(Object.create(producer) as typeof producer, {
        async send(batches: readonly PartitionBatch[]) {
          late.push(...batches)
          return batches.map(({ topic, partition }) => ({ topic, partition, offset: 0 }))
        },
        sendOffsets: (offsets: readonly CommittedOffset[], member: OffsetCommitter) =>
          producer.sendOffsets(offsets, member),
        async commit() {
          await producer.commit()
          if (late.length === 0) return
          await producer.send(late.splice(0))
          await producer.commit()
        },
        async abort() {
          late = []
          await producer.abort()
        },
        close: () => producer.close(),
      })
    },
  }
}

/** Commits offsets as a consumer does, whatever becomes of the transaction. */
export function offsetsOutside(client: Client): Client {
  let member: GroupMember | undefined
  return {
    ...client,
    joinGroup: options => (member = client.joinGroup(options)),
    async transactionalProducer(options) {
      const producer = await client.transactionalProducer(options)
      return Object.assign(Object.create(producer) as typeof producer, {
        send: producer.send.bind(producer),
        sendOffsets: (offsets: readonly CommittedOffset[]) => member?.commit(offsets),
        commit: () => producer.commit(),
        abort: () => producer.abort(),
        close: () => producer.close(),
      })
    },
  }
}

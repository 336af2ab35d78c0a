import { encodeRequest } from '../../src/protocol/frame.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import type { Peer } from './peer.ts'

/** Makes the topic, with one partition. */
export async function createTopic(peer: Peer, name: string): Promise<void> {
  await peer.ask(metadata, 4, { topics: [{ name }], allowAutoTopicCreation: true })
}

interface ProduceFrame {
  readonly correlationId: number
  readonly topic: string
  readonly acks?: -1 | 0 | 1
  readonly clientId?: string
  readonly value?: Buffer
}

/** A Produce request with one record. */
export function produceFrame(options: ProduceFrame): Buffer {
  const { correlationId, topic, acks = -1, clientId = 'peer', value = Buffer.from('x') } = options
  const builder = new RecordBatchBuilder()
  builder.append(null, value, 1, [])
  return encodeRequest(
    produce,
    7,
    { correlationId, clientId },
    {
      transactionalId: null,
      acks,
      timeoutMs: 1000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: builder.build() }] }],
    },
  )
}

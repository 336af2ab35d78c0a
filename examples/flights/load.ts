import { type Admin, type Kafka, Partitioners, type Producer } from 'kafkajs'
import { type Row, airports, flights } from './dataset.ts'

const partitions = 4
const batchSize = 500

/**
 * Writes flights and airports to their topics, with a kafkajs producer as any other program would. Creates the topics, that
 * of the results included. Each row goes to the partition of its key, always in the same order; so what a partition holds
 * already tells what is left to write, and a load that was interrupted goes on where it stopped. Returns how many rows
 * were written now.
 */
export async function load(
  kafka: Kafka,
  progress: (loaded: number, total: number) => void,
  stop: AbortSignal,
): Promise<number> {
  const admin = kafka.admin()
  // The classic partitioner is the one that the Java client and Millrace use: equal keys, equal partition.
  const createPartitioner = Partitioners.DefaultPartitioner
  const producer = kafka.producer({ createPartitioner, idempotent: true, maxInFlightRequests: 1 })
  await Promise.all([admin.connect(), producer.connect()])
  try {
    const topics = { airports: airports(), flights: flights() }
    await createTopics(admin)
    const missing: [topic: string, partition: number, rows: Row[]][] = []
    for (const [topic, rows] of Object.entries(topics)) {
      missing.push(...(await missingRows(admin, topic, rows)))
    }
    return await write(producer, missing, progress, stop)
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
}

async function createTopics(admin: Admin): Promise<void> {
  // Results carry the event times of 2001. Brokers go by those when they delete what is old, so here it is switched off.
  const configEntries = [{ name: 'retention.ms', value: '-1' }]
  const existing = await admin.listTopics()
  await admin.createTopics({
    topics: ['airports', 'flights', 'delays-by-city']
      .filter(topic => !existing.includes(topic))
      .map(topic => ({ topic, numPartitions: partitions, configEntries })),
  })
}

async function missingRows(
  admin: Admin,
  topic: string,
  rows: readonly Row[],
): Promise<[string, number, Row[]][]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  const partitionMetadata = topics[0]?.partitions ?? []
  const partitionOf = Partitioners.DefaultPartitioner()
  const byPartition: Row[][] = partitionMetadata.map(() => [])
  for (const row of rows) {
    byPartition[partitionOf({ topic, partitionMetadata, message: row })]?.push(row)
  }
  const offsets = await admin.fetchTopicOffsets(topic)
  return offsets.map(({ partition, high }) => [
    topic,
    partition,
    byPartition[partition]?.slice(Number(high)) ?? [],
  ])
}

async function write(
  producer: Producer,
  missing: readonly [topic: string, partition: number, rows: Row[]][],
  progress: (loaded: number, total: number) => void,
  stop: AbortSignal,
): Promise<number> {
  const total = missing.reduce((sum, [, , rows]) => sum + rows.length, 0)
  let loaded = 0
  for (let start = 0; loaded < total && !stop.aborted; start += batchSize) {
    const topicMessages = missing
      .map(([topic, partition, rows]) => ({
        topic,
        messages: rows.slice(start, start + batchSize).map(row => ({ ...row, partition })),
      }))
      .filter(({ messages }) => messages.length > 0)
    await producer.sendBatch({ topicMessages })
    loaded += topicMessages.reduce((sum, { messages }) => sum + messages.length, 0)
    progress(loaded, total)
  }
  return loaded
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { startMillrace } from './millrace.ts'

/** A broker as a process of its own, with a folder for whoever tests against it. */
export interface RunningBroker {
  readonly folder: string
  /** For `--brokers`. */
  readonly address: string
  produce(topic: string, values: readonly string[]): Promise<void>
  createTopics(...topics: readonly string[]): Promise<void>
  /** The values of all records that the topic holds now. */
  values(topic: string): Promise<string[]>
  stop(): Promise<void>
}

export async function startRunningBroker(): Promise<RunningBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  const broker = startMillrace('broker', '--port', '0', '--data', join(folder, 'data'))
  const address = `127.0.0.1:${/:(\d+),/.exec(await broker.line(/ready/))?.[1]}`
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const producer = kafka.producer()
  await producer.connect()
  let readers = 0

  return {
    folder,
    address,
    async createTopics(...topics) {
      await admin.createTopics({ topics: topics.map(topic => ({ topic, numPartitions: 4 })) })
    },
    async produce(topic, values) {
      await producer.send({ topic, messages: values.map(value => ({ key: value, value })) })
    },
    async values(topic) {
      const ends = await admin.fetchTopicOffsets(topic)
      let missing = ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
      const values: string[] = []
      if (missing === 0) return values
      const consumer = kafka.consumer({ groupId: `reader-${++readers}` })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await new Promise<void>(resolve => {
        void consumer.run({
          eachMessage: async ({ message }) => {
            values.push(String(message.value))
            missing--
            if (missing === 0) resolve()
          },
        })
      })
      await consumer.disconnect()
      return values
    },
    async stop() {
      await Promise.all([admin.disconnect(), producer.disconnect()])
      await broker.stop('SIGTERM')
      rmSync(folder, { recursive: true })
    },
  }
}

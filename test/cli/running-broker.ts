import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { millrace, startMillrace } from './millrace.ts'

/** A broker as a process of its own, with a folder for whoever tests against it. */
export interface RunningBroker {
  readonly folder: string
  /** For `--brokers`. */
  readonly address: string
  produce(topic: string, values: readonly string[]): Promise<void>
  createTopics(...topics: readonly string[]): Promise<void>
  /** The values of all records that the topic holds now, in committed transactions. */
  values(topic: string): string[]
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

  return {
    folder,
    address,
    async createTopics(...topics) {
      await admin.createTopics({ topics: topics.map(topic => ({ topic, numPartitions: 4 })) })
    },
    async produce(topic, values) {
      await producer.send({ topic, messages: values.map(value => ({ key: value, value })) })
    },
    values(topic) {
      // Ends of partitions count the markers of transactions, so that kafkajs cannot tell when it has read all.
      const flags = ['--from-beginning', '--until-end', '--brokers', address]
      const { stdout, stderr, status } = millrace('consume', topic, ...flags)
      if (status !== 0) throw new Error(stderr)
      const lines = stdout.split('\n').filter(line => line !== '')
      return lines.map(line => (JSON.parse(line) as { value: string }).value)
    },
    async stop() {
      await Promise.all([admin.disconnect(), producer.disconnect()])
      await broker.stop('SIGTERM')
      rmSync(folder, { recursive: true })
    },
  }
}

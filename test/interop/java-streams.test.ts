/**
 * A word count with Java's Kafka Streams, exactly once, on `millrace broker`. The application is killed three times and the
 * broker once, while transactions with lines are committed and aborted. Afterwards every word must have been counted from
 * one to the number of times it stands in the committed lines, without a gap or a repetition.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Admin, Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterAll, expect, test } from 'vitest'
import { type BrokerProcess, startBrokerProcess } from '../torture/broker-process.ts'
import { hasKafka, javaArguments, kafkaVersions, startJava } from './clients.ts'

const INPUT = 'lines'
const OUTPUT = 'counts'
const WORDS = ['a', 'mill', 'race', 'turns', 'the', 'wheel', 'stream', 'table']

const version = kafkaVersions.at(-1) ?? ''
const folder = mkdtempSync(join(tmpdir(), 'millrace-interop-'))
let broker: BrokerProcess | undefined
let app: ChildProcess | undefined

async function kill(process: ChildProcess | undefined): Promise<void> {
  if (process?.kill('SIGKILL') === true) await once(process, 'close')
}

afterAll(async () => {
  await kill(app)
  await broker?.kill()
  rmSync(folder, { recursive: true, force: true })
})

function client(bootstrap: string): Kafka {
  return new Kafka({
    brokers: [bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 50 },
  })
}

/** Commits and aborts transactions with lines until it is stopped; how one ended that met a kill nobody knows. */
async function write(kafka: Kafka, stopping: AbortSignal): Promise<number> {
  let transactions = 0
  while (!stopping.aborted) {
    const producer = kafka.producer({
      transactionalId: 'writer',
      maxInFlightRequests: 1,
      idempotent: true,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    try {
      await producer.connect()
      while (!stopping.aborted) {
        const transaction = await producer.transaction()
        const messages = Array.from({ length: 5 }, (_, i) => ({
          key: String(i),
          value: [0, 1, 2].map(j => WORDS[(transactions * 7 + i * 3 + j) % WORDS.length]).join(' '),
        }))
        await transaction.send({ topic: INPUT, messages })
        await (transactions++ % 4 === 3 ? transaction.abort() : transaction.commit())
      }
    } catch {
      // The broker was killed: another producer with this id ends what this one has left open.
    } finally {
      await producer.disconnect().catch(() => {})
    }
  }
  return transactions
}

function startApp(bootstrap: string): ChildProcess {
  const args = [
    ...javaArguments(version),
    'WordCount',
    bootstrap,
    join(folder, 'state'),
    INPUT,
    OUTPUT,
  ]
  return spawn('java', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Resolves when the output has become longer by a number of records. */
async function progress(admin: Admin, records: number): Promise<void> {
  const length = async (): Promise<number> => {
    const partitions = await admin.fetchTopicOffsets(OUTPUT)
    return partitions.reduce((sum, { high }) => sum + Number(high), 0)
  }
  const target = (await length()) + records
  while ((await length()) < target) await new Promise(done => setImmediate(done))
}

test.runIf(hasKafka(version))(
  `a word count with Kafka Streams ${version} counts every committed word once through kills`,
  { timeout: 300_000 },
  async () => {
    const data = join(folder, 'data')
    broker = await startBrokerProcess(data, 0)
    const { bootstrap } = broker
    const port = Number(bootstrap.split(':')[1])
    const kafka = client(bootstrap)
    const admin = kafka.admin()
    await admin.connect()
    const topics = [INPUT, OUTPUT].map(topic => ({ topic, numPartitions: 2 }))
    await admin.createTopics({ topics })

    const stopping = new AbortController()
    const writing = write(kafka, stopping.signal)
    try {
      app = startApp(bootstrap)
      for (const victim of ['app', 'app', 'broker', 'app']) {
        await progress(admin, 100)
        if (victim === 'app') {
          await kill(app)
          app = startApp(bootstrap)
        } else {
          await broker.kill()
          broker = await startBrokerProcess(data, port)
        }
      }
      await progress(admin, 100)
    } finally {
      stopping.abort()
    }
    expect(await writing).toBeGreaterThan(20)
    await admin.disconnect()

    await using java = startJava(version)
    /** Reads records until there are so many, or none comes for some time. */
    const read = async (
      topic: string,
      count: number,
      patienceMs: number,
      ...args: string[]
    ): Promise<string[]> => {
      const from = [
        '--bootstrap-server',
        bootstrap,
        '--topic',
        topic,
        '--from-beginning',
        '--isolation-level',
        'read_committed',
      ]
      const until = ['--max-messages', String(count), '--timeout-ms', String(patienceMs)]
      const { output } = await java.ask('tool', 'ConsoleConsumer', '', ...from, ...until, ...args)
      return output.split('\n').filter(Boolean)
    }
    const lines = await read(INPUT, 1_000_000, 3000)
    const words = lines.flatMap(line => line.split(' '))
    const asNumber = 'org.apache.kafka.common.serialization.LongDeserializer'
    const withKey = ['--formatter-property', 'print.key=true', '--value-deserializer', asNumber]
    await read(OUTPUT, words.length, 60_000, ...withKey)
    await kill(app)
    // One more than there may be: nothing was counted twice.
    const counts = await read(OUTPUT, words.length + 1, 3000, ...withKey)

    const expected = WORDS.flatMap(word =>
      words.filter(other => other === word).map((_, i) => `${word}\t${i + 1}`),
    )
    expect(counts.sort()).toEqual(expected.sort())
  },
)

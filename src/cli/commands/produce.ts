import process from 'node:process'
import { Command, Option } from 'commander'
import type { LogProducer } from '../../client/log-client.ts'
import { MillraceError } from '../../errors.ts'
import { LineSplitter } from '../../platform/line-splitter.ts'
import { nodePlatform } from '../../platform/node-platform.ts'
import { partitionForKey } from '../../protocol/murmur2.ts'
import { RecordBatchBuilder } from '../../protocol/record-batch-builder.ts'
import {
  addConnectionOptions,
  connectionOf,
  type ConnectionOptions,
} from '../connection-options.ts'
import { openClient } from '../connection-settings.ts'
import { parseRecord, type ProducedRecord } from '../record-json.ts'
import { standardErrorLogger } from '../standard-error-logger.ts'

interface Options extends ConnectionOptions {
  readonly keySeparator?: string
  readonly json?: true
}

/** `millrace produce <topic>`: each line of standard input is a record. */
export function produceCommand(): Command {
  const command = new Command('produce')
    .description('write the lines of standard input to a topic')
    .argument('<topic>', 'topic, which must exist')
    .addOption(
      new Option(
        '--key-separator <text>',
        'what stands between key and value in each line',
      ).conflicts('json'),
    )
    .option('--json', 'lines are what millrace consume prints')
    .action(run)
  return addConnectionOptions(command)
}

async function run(topic: string, options: Options): Promise<void> {
  const platform = nodePlatform()
  const connection = connectionOf(options, platform.files)
  const logger = standardErrorLogger(platform, 'warn')
  await using client = await openClient(connection, {
    platform,
    clientId: 'millrace-produce',
    logger,
  })
  const partitions = (await client.describeTopics([topic])).get(topic)?.partitions
  if (partitions === undefined) {
    throw new MillraceError(
      'MISSING_TOPIC',
      `There is no topic '${topic}'. Make it with: millrace topics create ${topic} --brokers …`,
    )
  }
  const producer = await client.producer()
  const writer = new Writer(producer, topic, partitions, () => platform.clock.now())
  let lineNumber = 0
  for await (const lines of linesOf(process.stdin)) {
    // What came before a line that is no record is written.
    try {
      for (const line of lines) writer.add(recordOf(line, ++lineNumber, options))
    } finally {
      await writer.flush()
    }
  }
  process.stdout.write(`${lineNumber} records written to ${topic}\n`)
}

function recordOf(line: string, number: number, { keySeparator, json }: Options): ProducedRecord {
  if (json === true) return parseRecord(line, number)
  if (keySeparator === undefined) return { key: null, value: Buffer.from(line), headers: [] }
  const at = line.indexOf(keySeparator)
  if (at === -1) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `Line ${number} has no ${JSON.stringify(keySeparator)} between a key and a value. The lines before it are written.`,
    )
  }
  const value = line.slice(at + keySeparator.length)
  return { key: Buffer.from(line.slice(0, at)), value: Buffer.from(value), headers: [] }
}

/** Collects records and writes a batch for each partition. */
class Writer {
  readonly #producer: LogProducer
  readonly #topic: string
  readonly #partitions: number
  readonly #now: () => number
  readonly #batches = new Map<number, RecordBatchBuilder>()
  /** Where records without a key go until the next batch. */
  #keyless = 0

  constructor(producer: LogProducer, topic: string, partitions: number, now: () => number) {
    this.#producer = producer
    this.#topic = topic
    this.#partitions = partitions
    this.#now = now
  }

  add({ partition, key, value, timestamp, headers }: ProducedRecord): void {
    const target =
      partition ?? (key === null ? this.#keyless : partitionForKey(key, this.#partitions))
    let batch = this.#batches.get(target)
    if (batch === undefined) {
      batch = new RecordBatchBuilder()
      this.#batches.set(target, batch)
    }
    batch.append(key, value, timestamp ?? this.#now(), headers)
  }

  async flush(): Promise<void> {
    const batches = [...this.#batches].map(([partition, batch]) => ({
      topic: this.#topic,
      partition,
      batch: batch.build(),
    }))
    this.#batches.clear()
    this.#keyless = (this.#keyless + 1) % this.#partitions
    await this.#producer.send(batches)
  }
}

/** Lines as they arrive: what a pipe holds is written at once, what somebody types line by line. */
async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<readonly string[]> {
  const lines = new LineSplitter(Infinity)
  for await (const bytes of input) yield lines.push(bytes)
  yield lines.end()
}

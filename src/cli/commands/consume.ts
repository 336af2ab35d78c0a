import { once } from 'node:events'
import process from 'node:process'
import { Command, Option } from 'commander'
import type {
  ConsumerOptions,
  FetchedPartition,
  LogClient,
  PartitionOffset,
} from '../../client/log-client.ts'
import { MillraceError } from '../../errors.ts'
import { nodePlatform } from '../../platform/node-platform.ts'
import { RecordReader } from '../../protocol/record-batch-reader.ts'
import {
  addConnectionOptions,
  connectionOf,
  type ConnectionOptions,
} from '../connection-options.ts'
import { openClient } from '../connection-settings.ts'
import { parseCount, parseIndex } from '../options.ts'
import { type JsonRecord, toJsonBytes } from '../record-json.ts'
import { standardErrorLogger } from '../standard-error-logger.ts'
import { stopSignal } from '../stop-signal.ts'

interface Options extends ConnectionOptions {
  readonly fromBeginning?: true
  readonly offset?: number
  readonly partition?: number
  readonly untilEnd?: true
  readonly maxRecords?: number
  readonly readUncommitted?: true
}

/** How long a poll waits; a signal is heeded at once all the same. */
const POLL_MS = 1000

/** `millrace consume <topic>`: prints records as JSON, one a line. */
export function consumeCommand(): Command {
  const command = new Command('consume')
    .description('print the records of a topic, one JSON object a line')
    .argument('<topic>', 'topic')
    .option('--from-beginning', 'begin with the first record (default: those to come)')
    .addOption(
      new Option('--offset <n>', 'begin at this offset')
        .argParser(parseIndex)
        .conflicts('fromBeginning'),
    )
    .option('--partition <n>', 'of this partition alone', parseIndex)
    .option('--until-end', 'stop at the end that there is now')
    .option('--max-records <n>', 'stop after so many', parseCount)
    .option('--read-uncommitted', 'also what transactions have written that are open or aborted')
    .action(run)
  return addConnectionOptions(command)
}

async function run(topic: string, options: Options): Promise<void> {
  const platform = nodePlatform()
  const connection = connectionOf(options, platform.files)
  const logger = standardErrorLogger(platform, 'warn')
  await using client = await openClient(connection, {
    platform,
    clientId: 'millrace-consume',
    logger,
  })
  const { starts, ends } = await bounds(client, topic, options)
  const isolation: NonNullable<ConsumerOptions['isolation']> =
    options.readUncommitted === true ? 'readUncommitted' : 'readCommitted'
  const consumer = client.consumer({ isolation })
  consumer.assign(starts)
  const { signal } = untilStopped(() => consumer.close())
  const atEnd = (): boolean => ends.every(end => consumer.position(end) >= end.offset)
  let left = options.maxRecords ?? Infinity
  while (!signal.aborted && left > 0 && !(options.untilEnd === true && atEnd())) {
    const lines = linesOf(await consumer.poll(POLL_MS), left)
    left -= lines.length
    await print(lines, signal)
  }
}

/** Aborted by a signal, or when whoever reads has enough, as `head` has. */
function untilStopped(stopped: () => Promise<void>): AbortController {
  const stopping = new AbortController()
  const stop = (): void => {
    if (stopping.signal.aborted) return
    stopping.abort()
    void stopped()
  }
  void stopSignal().then(stop)
  process.stdout.on('error', stop)
  return stopping
}

/** A pipe that is full holds back the reading. */
async function print(lines: readonly string[], signal: AbortSignal): Promise<void> {
  if (process.stdout.write(lines.join('')) || signal.aborted) return
  try {
    await once(process.stdout, 'drain', { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function bounds(
  client: LogClient,
  topic: string,
  { fromBeginning, offset, partition }: Options,
): Promise<{ starts: readonly PartitionOffset[]; ends: readonly PartitionOffset[] }> {
  const count = (await client.describeTopics([topic])).get(topic)?.partitions ?? 0
  const all = Array.from({ length: count }, (_, index) => ({ topic, partition: index }))
  const partitions = partition === undefined ? all : all.slice(partition, partition + 1)
  if (partitions.length === 0) {
    const what = count === 0 ? `topic '${topic}'` : `partition ${topic}-${partition}`
    throw new MillraceError('MISSING_TOPIC', `There is no ${what}. Check the name.`)
  }
  const ends = await client.listOffsets(partitions, 'latest')
  if (offset !== undefined) return { starts: ends.map(end => ({ ...end, offset })), ends }
  const starts = fromBeginning === true ? await client.listOffsets(partitions, 'earliest') : ends
  return { starts, ends }
}

function linesOf(fetched: readonly FetchedPartition[], most: number): string[] {
  const lines: string[] = []
  const reader = new RecordReader({ checkCrc: false })
  for (const { topic, partition, offset, batches } of fetched) {
    reader.reset(batches)
    while (lines.length < most && reader.next()) {
      if (reader.isControl || reader.offset < offset) continue
      lines.push(`${JSON.stringify(recordOf(reader, { topic, partition }))}\n`)
    }
  }
  return lines
}

function recordOf(reader: RecordReader, place: { topic: string; partition: number }): JsonRecord {
  const { offset, timestamp, key, value, headers } = reader
  return {
    ...place,
    offset,
    timestamp,
    key: toJsonBytes(key),
    value: toJsonBytes(value),
    ...(headers.length > 0 && {
      headers: headers.map(header => [header.key, toJsonBytes(header.value)] as const),
    }),
  }
}

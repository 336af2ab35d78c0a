/** Where a reset takes a group's offsets to: the choices of Kafka's own reset tools, and what each means for a partition. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DateTime, Duration } from 'luxon'
import type { TopicPartition } from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import { MillraceError } from '../errors.ts'
import type { Files } from '../platform/platform.ts'
import { parseIndex } from './options.ts'

export type OffsetChoice =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly timestampMs: number }
  | { readonly kind: 'shift'; readonly by: number }
  /** By the partition's name; others stay. */
  | { readonly kind: 'file'; readonly offsets: ReadonlyMap<string, number> }

/** What a choice is made from. */
export interface PartitionFacts extends TopicPartition {
  readonly start: number
  readonly end: number
  readonly committed: number | undefined
  /** Of the first record at or after the time of the choice; undefined where there is none, or no such choice. */
  readonly atTime: number | undefined
}

/** Always an offset that the partition has, or its end; undefined when it stays as it is. */
export function chosenOffset(choice: OffsetChoice, facts: PartitionFacts): number | undefined {
  const wanted = wantedOffset(choice, facts)
  return wanted === undefined ? undefined : Math.min(Math.max(wanted, facts.start), facts.end)
}

function wantedOffset(choice: OffsetChoice, facts: PartitionFacts): number | undefined {
  if (choice.kind === 'earliest') return facts.start
  if (choice.kind === 'latest') return facts.end
  if (choice.kind === 'offset') return choice.offset
  if (choice.kind === 'time') return facts.atTime ?? facts.end
  if (choice.kind === 'shift') return (facts.committed ?? facts.start) + choice.by
  return choice.offsets.get(partitionName(facts))
}

export interface OffsetOptions {
  readonly toEarliest?: true
  readonly toLatest?: true
  readonly toOffset?: number
  readonly toDatetime?: number
  readonly byDuration?: number
  readonly shiftBy?: number
  readonly fromFile?: string
}

export function addOffsetOptions(command: Command): Command {
  const options = [
    new Option('--to-earliest', 'read all there is (the default)'),
    new Option('--to-latest', 'go on at the end'),
    new Option('--to-offset <n>', 'to this offset').argParser(parseIndex),
    new Option('--to-datetime <time>', 'to a time, such as 2026-11-25T18:00 (UTC)').argParser(
      parseTime,
    ),
    new Option('--by-duration <time>', 'to so long ago, such as P7D or PT6H').argParser(parseSpan),
    new Option('--shift-by <n>', 'forward, or back where it is negative').argParser(parseShift),
    new Option('--from-file <file>', 'as lines say: topic,partition,offset'),
  ]
  const names = options.map(option => option.attributeName())
  for (const option of options) {
    const others = names.filter(name => name !== option.attributeName())
    command.addOption(option.conflicts(others))
  }
  return command
}

/** Throws INVALID_CONFIG, naming the line, for a file that cannot be used. */
export function offsetChoice(options: OffsetOptions, nowMs: number, files: Files): OffsetChoice {
  const { toOffset, toDatetime, byDuration, shiftBy, fromFile } = options
  if (options.toLatest === true) return { kind: 'latest' }
  if (toOffset !== undefined) return { kind: 'offset', offset: toOffset }
  if (toDatetime !== undefined) return { kind: 'time', timestampMs: toDatetime }
  if (byDuration !== undefined) return { kind: 'time', timestampMs: nowMs - byDuration }
  if (shiftBy !== undefined) return { kind: 'shift', by: shiftBy }
  if (fromFile !== undefined) return { kind: 'file', offsets: readOffsets(fromFile, files) }
  return { kind: 'earliest' }
}

function readOffsets(path: string, files: Files): Map<string, number> {
  const content = files.read(path)
  if (content === undefined) throw invalid(`There is no file ${path}. Check --from-file.`)
  const offsets = new Map<string, number>()
  for (const [index, line] of content.toString().split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const [, topic = '', partition, offset] = /^\s*"?([^",]+)"?,(\d+),(\d+)\s*$/.exec(line) ?? []
    if (partition === undefined) {
      throw invalid(`${path}:${index + 1}: A line is topic,partition,offset, as in flights,0,120.`)
    }
    offsets.set(partitionName({ topic, partition: Number(partition) }), Number(offset))
  }
  return offsets
}

function parseShift(text: string): number {
  if (/^[-+]?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
  throw new InvalidArgumentError('It is a whole number, such as 10 or -10.')
}

function parseTime(text: string): number {
  const time = DateTime.fromISO(text, { zone: 'utc' })
  if (time.isValid) return time.toMillis()
  throw new InvalidArgumentError(
    'A time is written as in 2026-11-25T18:00:00.000, in UTC or with its zone.',
  )
}

function parseSpan(text: string): number {
  const span = Duration.fromISO(text)
  if (span.isValid && span.toMillis() >= 0) return span.toMillis()
  throw new InvalidArgumentError('A duration is written as in P7D (7 days) or PT6H30M.')
}

const invalid = (message: string): MillraceError => new MillraceError('INVALID_CONFIG', message)

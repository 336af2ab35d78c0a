import { isDeepStrictEqual } from 'node:util'
import type { LogClient } from '../../src/client/log-client.ts'
import { foldTopic } from '../runtime/testbed.ts'
import type { TailRecord } from './tail.ts'

/** The longest session, the longest transaction, and ten seconds to catch up. */
export const recoveryMs = 45_000 + 10_000 + 10_000

export interface Results {
  /** Records by the first letter of their value. */
  readonly counts: ReadonlyMap<string, number>
  /** Records by key and start of their window. */
  readonly windows: ReadonlyMap<string, number>
}

/** What was written, and what a reader of committed records saw meanwhile. */
export interface Evidence {
  readonly produced: readonly { key: string; value: string; timestamp: number }[]
  readonly windowMs: number
  readonly isExactlyOnce: boolean
  /** Results of different keys may overtake each other. */
  readonly isAsync: boolean
  /** Only the last result of a commit is seen. */
  readonly isCached: boolean
  /** Partitions of `in`, `echo` and `out`. */
  readonly lists: readonly (readonly (readonly TailRecord[])[])[]
}

function expected({ produced, windowMs }: Evidence): Results {
  const counts = new Map<string, number>()
  const windows = new Map<string, number>()
  const add = (map: Map<string, number>, key: string): void =>
    void map.set(key, (map.get(key) ?? 0) + 1)
  for (const { key, value, timestamp } of produced) {
    add(counts, value.slice(0, 1))
    add(windows, `${key} ${timestamp - (timestamp % windowMs)}`)
  }
  return { counts, windows }
}

/** What the log and the stores say that must not be so when nothing is left to do. */
export async function contradiction(
  client: LogClient,
  app: string,
  evidence: Evidence,
  stores: () => Promise<Results>,
): Promise<string | undefined> {
  return (
    (await inTheLog(client, app)) ??
    inTheEcho(evidence) ??
    inTheCounts(evidence) ??
    (await inTheState(client, app, evidence, stores))
  )
}

async function inTheLog(client: LogClient, app: string): Promise<string | undefined> {
  const topics = [...(await client.describeTopics()).values()].filter(({ internal }) => !internal)
  const all = topics.flatMap(({ name: topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
  const ends = await client.listOffsets(all, 'latest')
  const stable = await client.listOffsets(all, 'lastStable')
  for (const [index, end] of ends.entries()) {
    if (stable[index]?.offset === end.offset) continue
    return `A transaction is open in ${end.topic}-${end.partition}`
  }
  const inputs = ends.filter(({ topic }) => topic === 'in')
  const committed = await client.committedOffsets(app, inputs)
  for (const { partition, offset } of inputs) {
    const at = committed.find(other => other.partition === partition)?.offset ?? 0
    if (at !== offset)
      return `Offset ${at} of in-${partition} is committed, which ends at ${offset}`
  }
  return undefined
}

function inTheEcho({ lists: [input = [], echo = []], ...how }: Evidence): string | undefined {
  for (const [partition, records] of input.entries()) {
    const line = ({ key, value }: TailRecord): string => `${key}=${value.toString()}`
    const ordered = (list: readonly TailRecord[]): string[] =>
      // A stable sort by key leaves the order of each key.
      (how.isAsync
        ? list.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
        : list
      ).map(line)
    const [want, got] = [ordered(records), ordered(echo[partition] ?? [])]
    const isRight = how.isExactlyOnce
      ? isDeepStrictEqual(got, want)
      : isDeepStrictEqual(new Set(got), new Set(want))
    if (isRight) continue
    const missing = want.filter(value => !got.includes(value))
    const twice = got.filter((value, index) => got.indexOf(value) !== index)
    return `echo-${partition} is not its input: ${got.length} of ${want.length} records; missing ${missing.join(' ')}, twice ${twice.join(' ')}`
  }
  return undefined
}

/** Each count of a key is one more than the one before: what lies behind a repartition came once. */
function inTheCounts({ lists: [, , out = []], ...evidence }: Evidence): string | undefined {
  if (!evidence.isExactlyOnce) return undefined
  const last = new Map<string, number>()
  for (const { key, value } of out.flat()) {
    const [before, count] = [last.get(key) ?? 0, Number(value.readBigInt64BE())]
    if (evidence.isCached ? count <= before : count !== before + 1) {
      return `The count of ${key} went from ${before} to ${count}`
    }
    last.set(key, count)
  }
  return difference('out', last, expected({ lists: [], ...evidence }).counts)
}

async function inTheState(
  client: LogClient,
  app: string,
  evidence: Evidence,
  stores: () => Promise<Results>,
): Promise<string | undefined> {
  const read = await stores()
  const counts = new Map<string, number>()
  for (const [key, row] of await foldTopic(client, `${app}-counts-changelog`)) {
    counts.set(Buffer.from(key, 'hex').toString(), Number(row.readBigInt64BE(row.length - 8)))
  }
  const windows = new Map<string, number>()
  for (const [hex, row] of await foldTopic(client, `${app}-windows-changelog`)) {
    // The key, then the start of the window (int64) and a sequence number (int32).
    const key = Buffer.from(hex, 'hex')
    const at = key.length - 12
    const start = key.readBigInt64BE(at)
    windows.set(
      `${key.toString('utf8', 0, at)} ${start}`,
      Number(row.readBigInt64BE(row.length - 8)),
    )
  }
  const wanted = expected(evidence)
  return (
    difference('the changelog of counts, seen from the store,', counts, read.counts) ??
    difference('the changelog of windows, seen from the store,', windows, read.windows) ??
    difference('counts', read.counts, wanted.counts, evidence.isExactlyOnce) ??
    difference('windows', read.windows, wanted.windows, evidence.isExactlyOnce)
  )
}

/** At least once may count more, never less. */
function difference(
  what: string,
  got: ReadonlyMap<string, number>,
  want: ReadonlyMap<string, number>,
  isExact = true,
): string | undefined {
  for (const key of new Set([...got.keys(), ...want.keys()])) {
    const [found = 0, wanted = 0] = [got.get(key), want.get(key)]
    if (isExact ? found !== wanted : found < wanted) {
      return `In ${what} ${key} is ${found} instead of ${wanted}`
    }
  }
  return undefined
}

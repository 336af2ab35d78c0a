/** A record of a stream, or of the table that it is joined with. */
export interface GraceInput {
  readonly topic: 'stream' | 'table'
  readonly key: string
  readonly value: string | null
  readonly timestamp: number
}

export interface GraceOutput {
  readonly key: string
  readonly value: string
  readonly timestamp: number
}

/**
 * Joins a stream with a versioned table, of which all versions are kept in a list. What waits is a list in order of time, key,
 * arrival.
 */
export function naiveStreamTableJoinWithGrace(
  join: 'inner' | 'left',
  { graceMs, historyMs }: { graceMs: number; historyMs: number },
  inputs: readonly GraceInput[],
): { outputs: GraceOutput[]; dropped: number } {
  const outputs: GraceOutput[] = []
  let versions: GraceInput[] = []
  let waiting: (GraceInput & { value: string })[] = []
  let tableTime = -1
  let streamTime = -1
  let dropped = 0
  for (const input of inputs) {
    const { topic, value, timestamp } = input
    if (topic === 'table') {
      tableTime = Math.max(tableTime, timestamp)
      if (timestamp < tableTime - historyMs) dropped++
      else putVersion(input)
    } else if (value === null) dropped++
    else if (timestamp < streamTime - graceMs) joinNow({ ...input, value })
    else {
      streamTime = Math.max(streamTime, timestamp)
      waiting.push({ ...input, value })
      waiting.sort((a, b) => a.timestamp - b.timestamp || (a.key < b.key ? -1 : +(a.key > b.key)))
      const limit = streamTime - graceMs
      waiting.filter(row => row.timestamp <= limit).forEach(joinNow)
      waiting = waiting.filter(row => row.timestamp > limit)
    }
  }
  return { outputs, dropped }

  function joinNow({ key, value, timestamp }: GraceInput & { value: string }): void {
    const row = rowAt(key, timestamp)
    if (row !== null || join === 'left') outputs.push({ key, value: `${value}+${row}`, timestamp })
  }

  function putVersion(version: GraceInput): void {
    const { key, value, timestamp } = version
    const byTime = versions
      .filter(each => each.key === key)
      .sort((a, b) => a.timestamp - b.timestamp)
    const [before, latest] = [byTime.at(-2), byTime.at(-1)]
    versions = versions.filter(each => each.key !== key || each.timestamp !== timestamp)
    const isUndone = value === null && latest?.timestamp === timestamp && latest.value !== null
    // A row that is deleted as of its own time, without a row before it, has never been: so Kafka Streams' store has it.
    if (!isUndone || (before?.value ?? null) !== null) versions.push(version)
  }

  function rowAt(key: string, asOf: number): string | null {
    const own = versions.filter(version => version.key === key)
    const latest = Math.max(...own.map(({ timestamp }) => timestamp))
    if (asOf < latest && asOf < tableTime - historyMs) return null
    const known = own.filter(({ timestamp }) => timestamp <= asOf)
    const time = Math.max(...known.map(({ timestamp }) => timestamp))
    return known.find(({ timestamp }) => timestamp === time)?.value ?? null
  }
}

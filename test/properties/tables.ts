/**
 * What tables do, by looking at everything: one fold for each operator, over the changes of tables that are maps.
 */
export interface TableInput {
  readonly topic: string
  readonly key: string
  readonly value: string | null
  readonly timestamp: number
}

export interface TableOutput {
  readonly key: string
  readonly value: string | number | null
  readonly timestamp: number
}

interface Row {
  readonly value: string
  readonly timestamp: number
}

type Rows = Map<string, Row>

/** Each record in turn, with the row that it replaces; then it is in the table of its topic. */
function* changesOf(
  inputs: readonly TableInput[],
): Iterable<{ input: TableInput; before: Row | undefined; tables: (topic: string) => Rows }> {
  const byTopic = new Map<string, Rows>()
  const tables = (topic: string): Rows => {
    const rows = byTopic.get(topic) ?? new Map<string, Row>()
    byTopic.set(topic, rows)
    return rows
  }
  for (const input of inputs) {
    const { topic, key, value, timestamp } = input
    const rows = tables(topic)
    const before = rows.get(key)
    if (value === null) rows.delete(key)
    else rows.set(key, { value, timestamp })
    yield { input, before, tables }
  }
}

/** Rows in the order of their keys. */
const sorted = (rows: Iterable<TableOutput>): TableOutput[] =>
  [...rows].sort((one, two) => compareKeys(one.key, two.key))

function compareKeys(one: string, two: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(two))
}

/**
 * The outputs of a filter of new values, and its rows at last. Where old values are known, a row that did not pass and does not
 * pass says nothing.
 */
export function naiveFilteredValues(
  inputs: readonly TableInput[],
  { passes, mapper, knowsOldValues }: FilteredValues,
): { outputs: TableOutput[]; rows: TableOutput[] } {
  const outputs: TableOutput[] = []
  const rows = new Map<string, TableOutput>()
  const result = (value: string | null): string | null =>
    value !== null && passes(value) ? mapper(value) : null
  for (const { input, before } of changesOf(inputs)) {
    const { key, timestamp } = input
    const output = { key, value: result(input.value), timestamp }
    const passed = result(before?.value ?? null) !== null
    if (!knowsOldValues || passed || output.value !== null) outputs.push(output)
    if (output.value === null) rows.delete(key)
    else rows.set(key, output)
  }
  return { outputs, rows: sorted(rows.values()) }
}

interface FilteredValues {
  readonly passes: (value: string) => boolean
  readonly mapper: (value: string) => string
  readonly knowsOldValues: boolean
}

/**
 * Rows grouped by what a selector says, and folded: what leaves a group is taken away before what joins it is added, in one
 * update if the group is the same. `+` and `-` tell it.
 */
export function naiveGrouped(
  inputs: readonly TableInput[],
  selector: (value: string) => readonly [group: string | null, part: string],
): { outputs: TableOutput[]; sizes: ReadonlyMap<string, number> } {
  const outputs: TableOutput[] = []
  const groups = new Map<string, Row>()
  const update = (group: string, signs: string, timestamp: number): void => {
    const before = groups.get(group)
    // Nothing is taken away from a group that never was.
    const added = before === undefined ? signs.replace(/^-[^+]*/, '') : signs
    const row = {
      value: `${before?.value ?? ''}${added}`,
      timestamp: Math.max(timestamp, before?.timestamp ?? -1),
    }
    if (before !== undefined || added !== '') groups.set(group, row)
    outputs.push({
      key: group,
      value: row.value === '' ? null : row.value,
      timestamp: row.timestamp,
    })
  }
  const part = (value: string | undefined | null): readonly [string, string] | null => {
    if (value === undefined || value === null) return null
    const [group, own] = selector(value)
    return group === null ? null : [group, own]
  }
  const sizes = new Map<string, number>()
  let last: Rows | undefined
  for (const { input, before, tables } of changesOf(inputs)) {
    const left = part(before?.value)
    const joined = part(input.value)
    if (left !== null && left[0] === joined?.[0]) {
      update(left[0], `-${left[1]}+${joined[1]}`, input.timestamp)
    } else {
      if (left !== null) update(left[0], `-${left[1]}`, input.timestamp)
      if (joined !== null) update(joined[0], `+${joined[1]}`, input.timestamp)
    }
    last = tables(input.topic)
  }
  for (const { value } of last?.values() ?? []) {
    const [group] = part(value) ?? []
    if (group !== undefined) sizes.set(group, (sizes.get(group) ?? 0) + 1)
  }
  return { outputs, sizes }
}

/** Each change of `left` or `right` joined with the row that the other one has. */
export function naiveTableJoin(
  join: 'inner' | 'left' | 'outer',
  inputs: readonly TableInput[],
): TableOutput[] {
  const outputs: TableOutput[] = []
  for (const { input, before, tables } of changesOf(inputs)) {
    const { topic, key, timestamp } = input
    const other = tables(topic === 'left' ? 'right' : 'left').get(key)
    const mayStandAlone = join === 'outer' || (join === 'left' && topic === 'left')
    const isThere = input.value !== null || before !== undefined
    if (other === undefined && !(mayStandAlone && isThere)) continue
    const left = tables('left').get(key)
    const right = tables('right').get(key)
    const isNothing =
      (left === undefined && join !== 'outer') ||
      (right === undefined && join === 'inner') ||
      (left === undefined && right === undefined)
    const value = isNothing ? null : `${left?.value ?? null}+${right?.value ?? null}`
    outputs.push({ key, value, timestamp: Math.max(timestamp, other?.timestamp ?? -1) })
  }
  return outputs
}

/** Holds the changes of a table back, in a list that is sorted again with each of them. */
export function naiveSuppressedUntilTimeLimit(
  inputs: readonly TableInput[],
  { limitMs, maxRecords }: { limitMs: number; maxRecords: number },
): TableOutput[] {
  const outputs: TableOutput[] = []
  let now = -1
  let waiting: (TableOutput & { since: number })[] = []
  for (const { key, value, timestamp } of inputs) {
    now = Math.max(now, timestamp)
    const since = waiting.find(each => each.key === key)?.since ?? timestamp
    waiting = [...waiting.filter(each => each.key !== key), { key, value, timestamp, since }].sort(
      (one, two) => one.since - two.since || compareKeys(one.key, two.key),
    )
    const isFirstDue = (): boolean => (waiting[0]?.since ?? Infinity) <= now - limitMs
    while (isFirstDue() || waiting.length > maxRecords) {
      for (const { since: _, ...output } of waiting.splice(0, 1)) outputs.push(output)
    }
  }
  return outputs
}

/** Counts of tumbling windows, each told once: when the window and its grace are over. */
export function naiveFinalCounts(
  inputs: readonly TableInput[],
  { sizeMs, graceMs }: { sizeMs: number; graceMs: number },
): (TableOutput & { start: number })[] {
  const outputs: (TableOutput & { start: number })[] = []
  let open: (TableOutput & { start: number; value: number })[] = []
  let now = -1
  for (const { key, timestamp } of inputs) {
    now = Math.max(now, timestamp)
    const isOver = ({ start }: { start: number }): boolean => start + sizeMs <= now - graceMs
    const start = Math.floor(timestamp / sizeMs) * sizeMs
    if (!isOver({ start })) {
      const before = open.find(each => each.key === key && each.start === start)
      const latest = Math.max(timestamp, before?.timestamp ?? -1)
      const count = { key, start, value: (before?.value ?? 0) + 1, timestamp: latest }
      open = [...open.filter(each => each !== before), count]
    }
    open.sort((one, two) => one.start - two.start || compareKeys(one.key, two.key))
    outputs.push(...open.filter(isOver))
    open = open.filter(each => !isOver(each))
  }
  return outputs
}

/**
 * A stream joined with the row of its record's time, of a table of versions, and how many rows each group has by the latest
 * versions alone. A version that is older than the history is refused.
 */
export function naiveVersioned(
  inputs: readonly TableInput[],
  historyMs: number,
): { joined: TableOutput[]; latest: ReadonlyMap<string, string> } {
  const joined: TableOutput[] = []
  const versions = new Map<string, readonly Version[]>()
  let observed = -1
  for (const { topic, key, value, timestamp } of inputs) {
    const all = versions.get(key) ?? []
    if (topic === 'table') {
      if (timestamp >= observed - historyMs) {
        observed = Math.max(observed, timestamp)
        versions.set(key, withVersion(all, value, timestamp))
      }
    } else if (value !== null) {
      const isKnown = timestamp >= observed - historyMs
      const version = all.findLast(each => each.timestamp <= timestamp)
      const row = isKnown || version === all.at(-1) ? (version?.value ?? null) : null
      joined.push({ key, value: `${value}+${row}`, timestamp })
    }
  }
  const latest = new Map<string, string>()
  for (const [key, all] of versions) {
    const value = all.at(-1)?.value ?? null
    if (value !== null) latest.set(key, value)
  }
  return { joined, latest }
}

interface Version {
  readonly value: string | null
  readonly timestamp: number
}

/** In the order of time. A row deleted at the very time of its latest version was never there, unless there was one before. */
function withVersion(
  versions: readonly Version[],
  value: string | null,
  timestamp: number,
): readonly Version[] {
  const [before, latest] = [versions.at(-2), versions.at(-1)]
  const isLatest = latest?.timestamp === timestamp && latest.value !== null
  const isUndone = value === null && isLatest
  if (isUndone && (before?.value ?? null) === null) return versions.slice(0, -1)
  const others = versions.filter(version => version.timestamp !== timestamp)
  return [...others, { value, timestamp }].sort((one, two) => one.timestamp - two.timestamp)
}

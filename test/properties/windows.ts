import type { SessionWindows, SlidingWindows, Windows } from '../../src/index.ts'

/** A record of a stream that is aggregated. */
export interface Input {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

/** A result: a null value is the tombstone of a session that is no more. */
export interface Result {
  readonly key: string
  readonly start: number
  readonly end: number
  readonly value: string | null
  readonly timestamp: number
}

export interface Expected {
  readonly results: readonly Result[]
  /** What the store shows at the end, by start, then key. */
  readonly rows: readonly Result[]
  readonly dropped: number
}

interface Row extends Result {
  readonly value: string
}

/**
 * Joins the values of each key and window, in the words of the rule: all windows are in one list, and what is visible,
 * open or closed is asked of each.
 */
export function naiveWindows(
  windows: Windows,
  inputs: readonly Input[],
  {
    retentionMs,
    emit,
    isCached = false,
  }: { retentionMs: number; emit: 'onWindowUpdate' | 'onWindowClose'; isCached?: boolean },
): Expected {
  const { graceMs } = windows
  const isFinal = emit === 'onWindowClose'
  const results: Result[] = []
  let rows: Row[] = []
  let dropped = 0
  let streamTime = -1
  let largestStart = -1
  let emittedUntil = -1
  // A store that is read by time shows a millisecond more.
  const oldest = (): number => largestStart - retentionMs + (isFinal ? 0 : 1)
  const isVisible = ({ start }: Result): boolean => start >= oldest()
  for (const { key, value, timestamp } of inputs) {
    if (key === null) {
      dropped++
      continue
    }
    streamTime = Math.max(streamTime, timestamp)
    const closeTime = streamTime - graceMs
    for (const { start, end } of windows.windowsFor(timestamp)) {
      if (end <= closeTime) {
        dropped++
        continue
      }
      const before = rows.find(row => row.key === key && row.start === start)
      const row = {
        key,
        start,
        end,
        value: `${before?.value ?? ''}${value}`,
        timestamp: Math.max(before?.timestamp ?? -1, timestamp),
      }
      rows = [...rows.filter(each => each !== before), row]
      largestStart = Math.max(largestStart, start)
      if (!isFinal) results.push(row)
    }
    if (!isFinal) continue
    const closed = rows.filter(({ end }) => end <= closeTime && end > emittedUntil)
    // A cache keeps what the store has let go of.
    results.push(...closed.filter(row => isCached || isVisible(row)).sort(byStart))
    emittedUntil = Math.max(emittedUntil, closeTime)
  }
  return { results, rows: rows.filter(isVisible).sort(byStart), dropped }
}

/**
 * The same for sliding windows, by their definition: of the records so far, each one has a left window that ends at it and a right
 * window that starts after it, if there is a record in it. Nothing is late and nothing expires here.
 */
export function naiveSliding(
  { timeDifferenceMs }: SlidingWindows,
  inputs: readonly Input[],
): Expected {
  const results: Result[] = []
  let dropped = 0
  const records: Row[] = []
  const windowsOf = (key: string): Row[] => {
    const own = records.filter(record => record.key === key)
    const starts = own.flatMap(({ timestamp }) => [
      Math.max(0, timestamp - timeDifferenceMs),
      timestamp + 1,
    ])
    return [...new Set(starts)].flatMap(start => {
      const end = start + timeDifferenceMs
      const inside = own.filter(({ timestamp }) => timestamp >= start && timestamp <= end)
      const value = inside.map(record => record.value).join('')
      const timestamp = Math.max(...inside.map(record => record.timestamp))
      return inside.length === 0 ? [] : [{ key, start, end, value, timestamp }]
    })
  }
  for (const { key, value, timestamp } of inputs) {
    if (key === null || value === null) {
      dropped++
      continue
    }
    const windowsBefore = windowsOf(key)
    const before = new Set(windowsBefore.map(({ start }) => start))
    records.push({ key, value, timestamp, start: timestamp, end: timestamp })
    const after = windowsOf(key)
    const holds = ({ start, end }: Result): boolean => start <= timestamp && timestamp <= end
    const updated = after.filter(row => before.has(row.start) && holds(row)).sort(byStart)
    const made = after.filter(row => !before.has(row.start))
    const left = made.filter(({ start, end }) => end === timestamp || start === 0)
    const right = made.filter(({ start }) => start === timestamp + 1)
    const earlier = records.filter(record => record.key === key && record.timestamp < timestamp)
    const latest = Math.max(-1, ...earlier.map(record => record.timestamp))
    const isFound = windowsBefore.some(
      ({ start, end }) =>
        start >= timestamp - 2 * timeDifferenceMs && start <= latest && latest <= end,
    )
    // As by Kafka Streams, a window that is both, right of the record before and left of this one, is given twice where the
    // record before is found: by the windows that start within twice the difference.
    const previous = made.filter(
      row => row.start === latest + 1 && latest >= 0 && (isFound || !left.includes(row)),
    )
    if (timestamp >= timeDifferenceMs) {
      results.push(...updated.toReversed(), ...previous, ...left, ...right)
    } else {
      const combined = [...updated, ...made].filter(({ start }) => start === 0)
      const others = updated.filter(({ start }) => start > 0)
      results.push(...others, ...right, ...previous, ...combined)
    }
  }
  const keys = [...new Set(records.map(({ key }) => key))]
  return { results, rows: keys.flatMap(windowsOf).sort(byStart), dropped }
}

/** The same for sessions; the aggregates of sessions that become one stand in brackets. */
export function naiveSessions(
  { gapMs, graceMs }: SessionWindows,
  inputs: readonly Input[],
  {
    retentionMs,
    segmentMs,
    emit,
  }: { retentionMs: number; segmentMs: number; emit: 'onWindowUpdate' | 'onWindowClose' },
): Expected {
  const isFinal = emit === 'onWindowClose'
  const results: Result[] = []
  let rows: Row[] = []
  let dropped = 0
  let streamTime = -1
  let largestEnd = -1
  let emittedUntil = 0
  const isVisible = ({ end }: Result): boolean => end > largestEnd - retentionMs
  const segmentOf = (time: number): number => Math.floor(time / segmentMs)
  for (const { key, value, timestamp } of inputs) {
    if (key === null) {
      dropped++
      continue
    }
    streamTime = Math.max(streamTime, timestamp)
    const closeTime = streamTime - graceMs - gapMs
    const reached = rows
      .filter(row => row.key === key && isVisible(row))
      .filter(({ start, end }) => end >= timestamp - gapMs && start <= timestamp + gapMs)
      .sort(byEnd)
    const start = Math.min(timestamp, ...reached.map(row => row.start))
    const end = Math.max(timestamp, ...reached.map(row => row.end))
    if (end < closeTime) {
      dropped++
    } else {
      const merged = reached.reduce(
        (all, row) => (all === '' ? row.value : `(${all}|${row.value})`),
        '',
      )
      const row = { key, start, end, value: `${merged}${value}`, timestamp: end }
      const tombstones = start < end ? reached.map(each => ({ ...each, value: null })) : []
      const replaced = rows.filter(
        each => each.key === key && each.start === start && each.end === end,
      )
      rows = [...rows.filter(each => !reached.includes(each) && !replaced.includes(each)), row]
      largestEnd = Math.max(largestEnd, end)
      if (!isFinal) results.push(...tombstones, row)
    }
    if (!isFinal) continue
    const closed = rows.filter(row => row.end < closeTime && row.end >= emittedUntil)
    const oldest = segmentOf(largestEnd - retentionMs)
    results.push(...closed.filter(row => segmentOf(row.end) >= oldest).sort(byEnd))
    emittedUntil = Math.max(emittedUntil, closeTime)
  }
  return { results, rows: rows.filter(isVisible).sort(byStart), dropped }
}

const byKey = (a: Result, b: Result): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
export const byStart = (a: Result, b: Result): number => a.start - b.start || byKey(a, b)
const byEnd = (a: Result, b: Result): number => a.end - b.end || byStart(a, b)

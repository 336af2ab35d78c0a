import type { JoinWindows } from '../../src/windowing/join-windows.ts'

/** A record of one side of a join of two streams. */
export interface JoinInput {
  readonly side: 'left' | 'right'
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

export interface JoinOutput {
  readonly key: string | null
  readonly value: string
  readonly timestamp: number
}

interface Kept {
  readonly key: string
  readonly value: string
  readonly time: number
}

interface Held extends Kept {
  readonly side: 'left' | 'right'
}

/**
 * Joins two streams by looking at everything, in the words of the rule: what each side has kept is a list, what waits for a
 * partner is a list in order of time, right before left, key, arrival, that is gone through from its beginning.
 */
export function naiveStreamStreamJoin(
  join: 'inner' | 'left' | 'outer',
  { beforeMs, afterMs, graceMs, eager }: JoinWindows,
  inputs: readonly JoinInput[],
  { inMemory = false } = {},
): { outputs: JoinOutput[]; dropped: number } {
  const retention = beforeMs + afterMs + graceMs
  const kept: Record<'left' | 'right', Kept[]> = { left: [], right: [] }
  const largest = { left: -1, right: -1 }
  const outputs: JoinOutput[] = []
  let held: Held[] = []
  let dropped = 0
  let now = -1
  let minTime = Infinity
  const emit = (key: string | null, left: unknown, right: unknown, timestamp: number): number =>
    outputs.push({ key, value: `${String(left)}+${String(right)}`, timestamp })

  for (const { side, key, value, timestamp } of inputs) {
    const isLeft = side === 'left'
    const other = isLeft ? 'right' : 'left'
    const [before, after] = isLeft ? [beforeMs, afterMs] : [afterMs, beforeMs]
    const mayBeAlone = join === 'outer' || (join === 'left' && isLeft)
    const emitAlone = (alone: string | null): number =>
      isLeft ? emit(key, alone, null, timestamp) : emit(key, null, alone, timestamp)
    now = Math.max(now, timestamp)
    if (mayBeAlone && key === null && value !== null) {
      emitAlone(value)
      continue
    }
    if (key === null || value === null) {
      dropped++
      continue
    }
    if (timestamp === now && minTime + after + graceMs < now) lookThroughHeld()
    const from = Math.max(0, timestamp - before, largest[other] - retention + 1)
    const to = Math.max(0, timestamp + after)
    const partners = kept[other]
      .filter(row => row.key === key && row.time >= from && row.time <= to)
      .sort((one, two) => one.time - two.time)
    for (const partner of partners) {
      held = held.filter(row => row.side !== other || row.key !== key || row.time !== partner.time)
      const time = Math.max(timestamp, partner.time)
      if (isLeft) emit(key, value, partner.value, time)
      else emit(key, partner.value, value, time)
    }
    if (partners.length === 0 && mayBeAlone) {
      if (eager || to < now) emitAlone(value)
      else {
        held.push({ side, key, value, time: timestamp })
        minTime = Math.min(minTime, timestamp)
      }
    }
    keep(side, { key, value, time: timestamp })
  }
  return { outputs, dropped }

  function lookThroughHeld(): void {
    minTime = Infinity
    let isLeftOpen = false
    let isRightOpen = false
    for (const row of [...held].sort(byTimeSideKey)) {
      minTime = row.time
      if (isLeftOpen && isRightOpen) break
      if (row.time + (row.side === 'left' ? afterMs : beforeMs) + graceMs >= now) {
        if (row.side === 'left') isLeftOpen = true
        else isRightOpen = true
        continue
      }
      if (row.side === 'left') emit(row.key, row.value, null, row.time)
      else emit(row.key, null, row.value, row.time)
      held = held.filter(each => each !== row)
    }
  }

  /**
   * A store refuses what falls into a stretch of time, a minute at least, that has expired as a whole; one in memory what it would
   * not show.
   */
  function keep(side: 'left' | 'right', row: Kept): void {
    largest[side] = Math.max(largest[side], row.time)
    const stretch = Math.max(Math.floor(retention / 2), 60_000)
    const first = Math.floor((largest[side] - retention) / stretch)
    const isShown = row.time > largest[side] - retention
    if (inMemory ? !isShown : Math.floor(row.time / stretch) < first) dropped++
    else kept[side].push(row)
  }
}

function byTimeSideKey(one: Held, two: Held): number {
  if (one.time !== two.time) return one.time - two.time
  if (one.side !== two.side) return one.side === 'right' ? -1 : 1
  return Buffer.compare(Buffer.from(one.key), Buffer.from(two.key))
}

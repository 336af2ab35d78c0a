import type { TimestampedWindowStore } from '../../state/stores.ts'
import type { Side, UnmatchedRecords } from '../../state/unmatched-records.ts'
import type { JoinWindows } from '../../windowing/join-windows.ts'
import type { ProcessorContext, ProcessorSupplier } from '../processor.ts'
import type { StreamRecord } from '../record.ts'
import type { UserFunction } from '../user-function.ts'

export interface StreamStreamJoin {
  readonly join: 'inner' | 'left' | 'outer'
  readonly joiner: UserFunction<[left: unknown, right: unknown, key: unknown], unknown>
  readonly windows: JoinWindows
}

/**
 * Joins the records of one side with those that the other side has kept, in the order of their times. Where a record may
 * remain alone, as on both sides of an outer join and on the left of a left join, it is held until its window and grace have
 * passed, and then gives a result with null, before the results of the record that moved time. The result has the later
 * record's time, or that of the record that remained alone. `KStreamKStreamJoin`.
 *
 * Without `unmatchedStore` a record that finds no partner gives its result at once.
 */
export function streamStreamJoin(
  { join, joiner, windows }: StreamStreamJoin,
  { side, otherStore, unmatchedStore }: JoinSide,
): ProcessorSupplier {
  const isLeft = side === 'left'
  const otherSide = isLeft ? 'right' : 'left'
  const mayBeAlone = join === 'outer' || (join === 'left' && isLeft)
  const beforeMs = isLeft ? windows.beforeMs : windows.afterMs
  const afterMs = isLeft ? windows.afterMs : windows.beforeMs
  const joined = (value: unknown, other: unknown, key: unknown): unknown =>
    isLeft ? joiner(value, other, key) : joiner(other, value, key)
  return context => {
    const others = context.store<TimestampedWindowStore<unknown, unknown>>(otherStore)
    const unmatched =
      unmatchedStore === undefined ? undefined : context.store<UnmatchedRecords>(unmatchedStore)
    // What a store has seen is known when the task goes on after a restart.
    unmatched?.observe(others.observedTime)
    return {
      process(record) {
        const { key, value, timestamp, headers } = record
        unmatched?.observe(timestamp)
        if (value !== null && key === null && mayBeAlone) {
          context.forward({ key, value: joined(value, null, key), timestamp, headers })
          return
        }
        if (key === null || value === null) {
          context.drop(key === null ? 'the key is null' : 'the value is null')
          return
        }
        if (unmatched?.streamTime === timestamp && isDue(unmatched, afterMs, windows.graceMs)) {
          releaseClosed(unmatched, record, context)
        }
        const to = Math.max(0, timestamp + afterMs)
        let isAlone = true
        const partners = others.fetchRange(key, { from: Math.max(0, timestamp - beforeMs), to })
        for (const { windowStart: otherTime, value: other } of partners) {
          isAlone = false
          unmatched?.matched(otherSide, key, otherTime)
          const time = Math.max(timestamp, otherTime)
          context.forward({ key, value: joined(value, other, key), timestamp: time, headers })
        }
        if (!isAlone || !mayBeAlone) return
        if (unmatched === undefined || to < unmatched.streamTime) {
          context.forward({ key, value: joined(value, null, key), timestamp, headers })
        } else unmatched.hold(side, key, value, timestamp)
      },
    }
  }

  function releaseClosed(
    unmatched: UnmatchedRecords,
    { headers }: StreamRecord<unknown, unknown>,
    context: ProcessorContext,
  ): void {
    const now = unmatched.streamTime - windows.graceMs
    const closed = { left: now - windows.afterMs, right: now - windows.beforeMs }
    for (const { side: held, key, value, timestamp } of unmatched.release(closed)) {
      const result = held === 'left' ? joiner(value, null, key) : joiner(null, value, key)
      context.forward({ key, value: result, timestamp, headers })
    }
  }
}

/** Where one side of a join finds the other. */
export interface JoinSide {
  readonly side: Side
  /** What the other side has kept. */
  readonly otherStore: string
  /** Records of both sides that wait for a partner. */
  readonly unmatchedStore?: string | undefined
}

/** Whether it is worth looking for held records whose windows have closed. */
function isDue(
  { minTime, streamTime }: UnmatchedRecords,
  afterMs: number,
  graceMs: number,
): boolean {
  return minTime + afterMs + graceMs < streamTime
}

import { MillraceError } from '../../errors.ts'
import type { Windowed } from '../../serde/windowed.ts'
import type { ValueAndTimestamp } from '../../state/stores.ts'
import type { WindowStore } from '../../state/window-store.ts'
import type { SlidingWindows } from '../../windowing/sliding-windows.ts'
import { isOperatorContext } from '../operator-context.ts'
import type { Processor, ProcessorContext, ProcessorSupplier } from '../processor.ts'
import type { Change, StreamRecord } from '../record.ts'
import type { Aggregation, AggregationOptions } from './aggregate.ts'
import { closedWindows } from './closed-windows.ts'
import { forwardFinal } from './forward-final.ts'
import { observedTime } from './observed-time.ts'
import { type TableForwarder, tableForwarder } from './table-forwarder.ts'

/**
 * Folds the values of each key in sliding windows. A record belongs to its left window, which ends at it, and to the right
 * windows of the records before it, which start one millisecond after them; a right window is made when the first record
 * falls into it. The timestamp of a window's row is that of its latest record: from it and the start the record before this
 * one is known. `KStreamSlidingWindowAggregate`.
 *
 * A window is closed when its end is before the largest timestamp seen, minus the grace. A null key or value is dropped
 * before it moves time.
 */
export function slidingAggregate(
  aggregation: Aggregation,
  windows: SlidingWindows,
  options: AggregationOptions,
): ProcessorSupplier {
  return context => new SlidingAggregate(aggregation, windows, options, context)
}

type Row = ValueAndTimestamp<unknown>
type InputRecord = StreamRecord<unknown, unknown>

class SlidingAggregate implements Processor {
  readonly #aggregation: Aggregation
  readonly #differenceMs: number
  readonly #graceMs: number
  readonly #context: ProcessorContext
  readonly #store: WindowStore
  readonly #sendsOldValues: boolean
  /** Null where nothing goes on before a window is closed. */
  readonly #forwardUpdate: TableForwarder | null
  /** Kafka Streams' cache keeps a row longer than its store. */
  readonly #withExpired: boolean
  readonly #closed: ReturnType<typeof closedWindows>
  readonly #streamTime: { value: number }
  readonly #ends = { endOf: (start: number) => start + this.#differenceMs }

  constructor(
    aggregation: Aggregation,
    { timeDifferenceMs, graceMs }: SlidingWindows,
    { store, sendsOldValues, emit }: AggregationOptions,
    context: ProcessorContext,
  ) {
    this.#aggregation = aggregation
    this.#differenceMs = timeDifferenceMs
    this.#graceMs = graceMs
    this.#context = context
    this.#store = context.store(store)
    this.#sendsOldValues = sendsOldValues
    this.#forwardUpdate =
      emit === 'onWindowClose' ? null : tableForwarder(context, store, sendsOldValues)
    this.#withExpired = isOperatorContext(context) && context.isCached(store)
    this.#closed = closedWindows(context, store, closeTime => closeTime - timeDifferenceMs - 1)
    this.#streamTime = observedTime(context)
  }

  process(record: InputRecord): void {
    const { key, value, timestamp, headers } = record
    if (key === null || value === null) {
      this.#context.drop(key === null ? 'the key is null' : 'the value is null')
      return
    }
    if (timestamp > this.#streamTime.value) this.#streamTime.value = timestamp
    const closeTime = this.#streamTime.value - this.#graceMs
    if (timestamp + this.#differenceMs < closeTime) {
      this.#context.drop('its windows are closed')
      return
    }
    if (this.#differenceMs === 0) throw noLength(this.#context.nodeName)
    if (timestamp < this.#differenceMs) {
      this.#early(record, closeTime)
      return
    }
    this.#update(record, closeTime)
    const span = this.#forwardUpdate === null ? this.#closed(closeTime) : null
    if (span === null) return
    forwardFinal(this.#store, span, { windows: this.#ends, headers, context: this.#context })
  }

  /** The windows that there are, latest first, then those that the record makes. */
  #update(record: InputRecord, closeTime: number): void {
    const { key, timestamp } = record
    const differenceMs = this.#differenceMs
    const starts: number[] = []
    /** The latest window that holds the record, as it was; what comes after the record is in it. */
    let containing: Row | undefined
    /** The latest window that ends before the record. */
    let before: Row | undefined
    let hasLeft = false
    let hasRight = false
    let previous = -1
    const range = {
      from: Math.max(0, timestamp - 2 * differenceMs),
      to: timestamp + 1,
      reverse: true,
      withExpired: this.#withExpired,
    }
    for (const row of this.#store.fetchRange(key, range)) {
      const { windowStart: start } = row
      starts.push(start)
      const end = start + differenceMs
      if (start === timestamp + 1) {
        hasRight = true
      } else if (end > timestamp) {
        containing ??= row
        this.#updateWindow(start, row, record, closeTime)
      } else if (end === timestamp) {
        hasLeft = true
        this.#updateWindow(start, row, record, closeTime)
        // There was a record at this time: all windows are there.
        if (row.timestamp >= timestamp) return
        previous = row.timestamp
      } else {
        before = row
        previous = row.timestamp
        break
      }
    }
    const previousRight = previous + 1
    const isInPreviousRight = previousRight + differenceMs >= timestamp
    if (previous >= 0 && isInPreviousRight && !starts.includes(previousRight)) {
      this.#updateWindow(previousRight, this.#initial(timestamp), record, closeTime)
    }
    if (!hasLeft) {
      const isEmpty = previous < timestamp - differenceMs
      const row = isEmpty || before === undefined ? this.#initial(timestamp) : before
      this.#updateWindow(
        timestamp - differenceMs,
        { value: row.value, timestamp },
        record,
        closeTime,
      )
    }
    if (!hasRight && containing !== undefined && containing.timestamp > timestamp) {
      this.#copyRight(containing, record)
    }
  }

  /**
   * Left windows of records before the time difference would start before 0. All of them share the window [0, difference],
   * which holds what comes after them, too.
   */
  #early(record: InputRecord, closeTime: number): void {
    const { key, timestamp } = record
    const starts: number[] = []
    let combined: Row | undefined
    let containing: Row | undefined
    let hasRight = false
    let previous = -1
    const range = { from: 0, to: timestamp + 1, withExpired: this.#withExpired }
    for (const row of this.#store.fetchRange(key, range)) {
      const { windowStart: start } = row
      starts.push(start)
      if (start === 0) {
        combined = row
        if (row.timestamp < timestamp) previous = row.timestamp
      } else if (start <= timestamp) {
        containing = row
        this.#updateWindow(start, row, record, closeTime)
      } else {
        hasRight = true
      }
    }
    // Without a window after the record's predecessor, what comes after the record is all that the combined window holds.
    const later = containing ?? combined
    if (!hasRight && later !== undefined && later.timestamp > timestamp)
      this.#copyRight(later, record)
    if (previous >= 0 && !starts.includes(previous + 1)) {
      this.#updateWindow(previous + 1, this.#initial(timestamp), record, closeTime)
    }
    this.#updateWindow(0, combined ?? this.#initial(timestamp), record, closeTime)
  }

  #initial(timestamp: number): Row {
    return { value: this.#aggregation.initializer(), timestamp }
  }

  /** The right window of the record holds what came after it, without the record. */
  #copyRight(row: Row, record: InputRecord): void {
    const start = record.timestamp + 1
    this.#store.put(record.key, row.value, start, row.timestamp)
    this.#forward(start, row.value, null, record, row.timestamp)
  }

  #updateWindow(start: number, row: Row, record: InputRecord, closeTime: number): void {
    if (start + this.#differenceMs < closeTime) {
      this.#context.drop('its window is closed')
      return
    }
    const { key, value, timestamp } = record
    const before = row.value
    const after = this.#aggregation.aggregator(key, value, before) ?? null
    const time = before === null ? timestamp : Math.max(timestamp, row.timestamp)
    this.#store.put(key, after, start, after === null ? timestamp : time)
    this.#forward(start, after, before, record, time)
  }

  #forward(
    start: number,
    newValue: unknown,
    oldValue: unknown,
    record: InputRecord,
    timestamp: number,
  ): void {
    const forward = this.#forwardUpdate
    if (forward === null) return
    const { key, headers } = record
    const windowed: Windowed<unknown> = { key, window: { start, end: this.#ends.endOf(start) } }
    const value: Change<unknown> = { newValue, oldValue: this.#sendsOldValues ? oldValue : null }
    forward({ key: windowed, value, timestamp, headers }, record)
  }
}

/** Kafka Streams builds such a topology too, and fails when it makes the first window. */
function noLength(nodeName: string): MillraceError {
  return new MillraceError(
    'INVALID_CONFIG',
    `The sliding windows of ${nodeName} have a time difference of 0 ms, and so no length. Give at least 1 ms.`,
  )
}

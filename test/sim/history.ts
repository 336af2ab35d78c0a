/**
 * What everybody was told, and whether it can be true of one log. Nothing in here knows which faults there were: the
 * promises hold whatever happens.
 */
import type { PartitionOffset } from '../../src/client/log-client.ts'

export interface LoggedValue {
  readonly offset: number
  readonly value: string
}

interface PartitionHistory {
  /** Every value that anybody was shown at an offset, or was told to be there, and who first. */
  readonly known: Map<number, { readonly value: string; readonly source: string }>
  readonly acknowledged: Set<string>
  /** What each producer sent, in its order. */
  readonly sent: Map<string, string[]>
  /** Readers saw everything below. */
  seenEnd: number
  /** Largest offset that a commit was acknowledged for, or that was answered. */
  committedFloor: number
  /** Largest offset that anybody asked to commit. */
  committedCeiling: number
}

/** The history of one topic and of one group that reads it. */
export class History {
  /** The first promise that was broken, as a sentence. */
  violation: string | undefined
  readonly #partitions: PartitionHistory[]

  constructor(partitions: number) {
    this.#partitions = Array.from({ length: partitions }, () => ({
      known: new Map(),
      acknowledged: new Set(),
      sent: new Map(),
      seenEnd: 0,
      committedFloor: 0,
      committedCeiling: 0,
    }))
  }

  get acknowledgedCount(): number {
    return this.#partitions.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
  }

  broken(sentence: string): void {
    this.violation ??= sentence.replaceAll(/[^ -~]/g, '?').replaceAll(/x{20,}/g, 'x…')
  }

  sent(partition: number, producer: string, values: readonly string[]): void {
    const { sent } = this.#of(partition)
    const before = sent.get(producer)
    if (before === undefined) sent.set(producer, [...values])
    else before.push(...values)
  }

  acknowledged(partition: number, baseOffset: number, values: readonly string[]): void {
    for (const [index, value] of values.entries()) {
      this.#of(partition).acknowledged.add(value)
      this.#learn(partition, { offset: baseOffset + index, value }, 'acknowledgement')
    }
  }

  /** What a consumer that stood at `position` was given: it must go on there, without a gap. */
  consumed(partition: number, position: number, records: readonly LoggedValue[], by: string): void {
    const history = this.#of(partition)
    for (const [index, record] of records.entries()) {
      if (record.offset !== position + index) {
        this.broken(`${by} at ${partition}:${position + index} was given offset ${record.offset}`)
      }
      this.#learn(partition, record, by)
    }
    history.seenEnd = Math.max(history.seenEnd, position + records.length)
  }

  /** What nobody may be told less than from now on: the end of what readers saw. */
  seenEnds(): number[] {
    return this.#partitions.map(({ seenEnd }) => seenEnd)
  }

  /** An answer to the question for the end of the log, asked when readers had seen `floors`. */
  endsAnswered(ends: readonly PartitionOffset[], floors: readonly number[]): void {
    for (const { partition, offset } of ends) {
      if (offset < (floors[partition] ?? 0)) {
        this.broken(
          `The high watermark of ${partition} went back to ${offset}: ${floors[partition]} was seen`,
        )
      }
      const history = this.#of(partition)
      history.seenEnd = Math.max(history.seenEnd, offset)
    }
  }

  commitAsked(partition: number, offset: number): void {
    const history = this.#of(partition)
    history.committedCeiling = Math.max(history.committedCeiling, offset)
  }

  commitAcknowledged(partition: number, offset: number): void {
    const history = this.#of(partition)
    history.committedFloor = Math.max(history.committedFloor, offset)
  }

  committedFloors(): number[] {
    return this.#partitions.map(({ committedFloor }) => committedFloor)
  }

  /** An answer to the question for the committed offsets (0 for none), asked when `floors` were known. */
  committedAnswered(partition: number, offset: number, floors: readonly number[]): void {
    const floor = floors[partition] ?? 0
    const { committedCeiling } = this.#of(partition)
    if (offset < floor) {
      this.broken(`The committed offset of ${partition} went back from ${floor} to ${offset}`)
    }
    if (offset > committedCeiling) {
      this.broken(
        `Offset ${offset} of ${partition} is committed; nobody committed more than ${committedCeiling}`,
      )
    }
    this.commitAcknowledged(partition, offset)
  }

  /** Compares everything with the log as it is found in the end. */
  finish(partition: number, log: readonly LoggedValue[]): void {
    const history = this.#of(partition)
    this.consumed(partition, 0, log, 'the last reader')
    for (const [offset, { value, source }] of history.known) {
      if (log[offset] === undefined) {
        const told = source === 'acknowledgement' ? 'was acknowledged' : `was shown to ${source}`
        this.broken(`${value} at ${partition}:${offset} ${told} and is lost`)
      }
    }
    if (log.length < history.seenEnd) {
      this.broken(`${partition} ends at ${log.length}, and ${history.seenEnd} was told before`)
    }
    this.#checkValues(partition, log)
  }

  #checkValues(partition: number, log: readonly LoggedValue[]): void {
    const { acknowledged, sent } = this.#of(partition)
    const places = new Map<string, number>()
    for (const { offset, value } of log) {
      const before = places.get(value)
      if (before !== undefined) {
        this.broken(`${value} is in ${partition} twice, at ${before} and at ${offset}`)
      }
      places.set(value, offset)
    }
    for (const value of acknowledged) {
      if (!places.has(value)) this.broken(`${value} was acknowledged and is not in ${partition}`)
    }
    let known = 0
    for (const [producer, values] of sent) {
      const found = values.filter(value => places.has(value))
      known += found.length
      if (found.length > 0 && found.at(-1) !== values[found.length - 1]) {
        this.broken(`The log ${partition} has a gap in what ${producer} sent`)
      }
      const offsets = found.map(value => places.get(value) ?? -1)
      if (offsets.some((offset, index) => offset <= (offsets[index - 1] ?? -1))) {
        this.broken(`What ${producer} sent is in another order in ${partition}`)
      }
    }
    if (known < places.size) this.broken(`There is a value in ${partition} that nobody sent`)
  }

  #learn(partition: number, { offset, value }: LoggedValue, source: string): void {
    const { known } = this.#of(partition)
    const before = known.get(offset)
    if (before === undefined) known.set(offset, { value, source })
    else if (before.value !== value) {
      this.broken(
        `Offset ${offset} of ${partition} shows two values: ${before.value} (${before.source}) and ${value} (${source})`,
      )
    }
  }

  #of(partition: number): PartitionHistory {
    const history = this.#partitions[partition]
    if (history === undefined) throw new Error(`There is no partition ${partition}`)
    return history
  }
}

import { RecentStat } from './recent-stat.ts'

/**
 * What is measured of the records of a task. Per record it costs a few additions; the clock is read once for each turn of the
 * task.
 */
export class TaskMeasures {
  /** How far timestamps were behind stream time, in milliseconds. Kafka Streams' `record-lateness`. */
  readonly lateness = new RecentStat()
  /** How old records were when they were processed, in milliseconds. Kafka Streams' `record-e2e-latency` of sources. */
  readonly endToEnd = new RecentStat()
  #latenessSum = 0
  #latenessMax = 0
  #timestampSum = 0
  #timestampMin = Infinity

  /** A record is taken; stream time is as of this record. */
  took(timestamp: number, streamTime: number): void {
    this.#timestampSum += timestamp
    if (timestamp < this.#timestampMin) this.#timestampMin = timestamp
    if (timestamp === streamTime) return
    const lateness = streamTime - timestamp
    this.#latenessSum += lateness
    if (lateness > this.#latenessMax) this.#latenessMax = lateness
  }

  /** So many were taken since the last turn. */
  endTurn(records: number, nowMs: number): void {
    const latencySum = nowMs * records - this.#timestampSum
    this.lateness.addMany(records, this.#latenessSum, this.#latenessMax, nowMs)
    this.endToEnd.addMany(records, latencySum, nowMs - this.#timestampMin, nowMs)
    this.#latenessSum = 0
    this.#latenessMax = 0
    this.#timestampSum = 0
    this.#timestampMin = Infinity
  }
}

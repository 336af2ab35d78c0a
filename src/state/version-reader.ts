import type { RowReader } from './row-reader.ts'
import type { Segments } from './segments.ts'
import type { StoreSerdes } from './store-serdes.ts'
import { rowTimestamp, rowValue } from './stored-row.ts'
import type { VersionedRecord } from './stores.ts'
import { VersionHistory } from './version-history.ts'

/** Reads a versioned store: from its tables as the operators see them, or as a query does. */
export class VersionReader {
  readonly #options: VersionReaderOptions
  readonly #history: VersionHistory

  constructor(options: VersionReaderOptions) {
    this.#options = options
    this.#history = new VersionHistory(options.history, options.segments)
  }

  get(key: unknown, asOf?: number): VersionedRecord<unknown> | undefined {
    const { serdes, latest: rows } = this.#options
    const keyBytes = serdes.keyBytes(key)
    const latest = rows.get(keyBytes)
    if (latest !== undefined && (asOf === undefined || rowTimestamp(latest) <= asOf)) {
      return this.#record(rowValue(latest), rowTimestamp(latest), Infinity)
    }
    if (asOf === undefined || asOf < this.#oldest) return undefined
    const version = this.#history.find(keyBytes, asOf, this.#lastSegment(latest))
    if (version === undefined || version.value === null) return undefined
    return this.#record(version.value, version.validFrom, version.validTo)
  }

  /** The versions of a key that can be read, earliest first. */
  *versions(key: unknown): Iterable<VersionedRecord<unknown>> {
    const { serdes, latest: rows, segments } = this.#options
    const keyBytes = serdes.keyBytes(key)
    const latest = rows.get(keyBytes)
    const first = Math.max(0, segments.of(this.#oldest))
    for (const version of this.#history.versions(keyBytes, first, this.#lastSegment(latest))) {
      const { value, validFrom, validTo } = version
      if (validTo > this.#oldest && value !== null) yield this.#record(value, validFrom, validTo)
    }
    if (latest !== undefined) yield this.#record(rowValue(latest), rowTimestamp(latest), Infinity)
  }

  /** The earliest time as of which more than the latest version can be read. */
  get #oldest(): number {
    return this.#options.observedTime() - this.#options.retentionMs
  }

  /** The last segment in which there can be versions of a key. */
  #lastSegment(latest: Buffer | undefined): number {
    const { segments, observedTime } = this.#options
    return segments.of(latest === undefined ? observedTime() : rowTimestamp(latest))
  }

  #record(value: Buffer, timestamp: number, validTo: number): VersionedRecord<unknown> {
    return { value: this.#options.serdes.value(value), timestamp, validTo }
  }
}

export interface VersionReaderOptions {
  /** The latest versions by key, and the others. */
  readonly latest: RowReader
  readonly history: RowReader
  readonly segments: Segments
  readonly serdes: StoreSerdes
  readonly retentionMs: number
  /** Largest time put into what is read. */
  readonly observedTime: () => number
}

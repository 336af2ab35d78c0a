/** What the engine spends on an entry besides the bytes of the key, roughly. */
const entryBytes = 80

/**
 * The newest offset of each key, by the exact bytes of the key, in bounded memory (Kafka: SkimpyOffsetMap, which keeps
 * a hash of the key instead).
 */
export class OffsetMap {
  readonly #offsets = new Map<string, number>()
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Whether the bound is reached; `put` works all the same, so that a batch is taken as a whole. */
  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes
  }

  /** Offsets come in ascending order. */
  put(key: Buffer, offset: number): void {
    const text = key.toString('latin1')
    const before = this.#offsets.size
    this.#offsets.set(text, offset)
    if (this.#offsets.size > before) this.#bytes += key.length + entryBytes
  }

  /** Whether there is a record with this key after the offset. */
  hasNewer(key: Buffer, offset: number): boolean {
    return (this.#offsets.get(key.toString('latin1')) ?? -1) > offset
  }
}

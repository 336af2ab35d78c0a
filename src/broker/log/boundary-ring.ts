const capacity = 64

/** The batch boundaries met last: offset → position in the segment. */
export class BoundaryRing {
  readonly #offsets = new Float64Array(capacity).fill(-1)
  readonly #positions = new Int32Array(capacity)
  #next = 0

  add(offset: number, position: number): void {
    this.#offsets[this.#next] = offset
    this.#positions[this.#next] = position
    this.#next = (this.#next + 1) % capacity
  }

  /** Position of the batch that begins with the offset, or -1 when it is not known. */
  positionOf(offset: number): number {
    const at = this.#offsets.indexOf(offset)
    return at < 0 ? -1 : (this.#positions[at] ?? -1)
  }

  clear(): void {
    this.#offsets.fill(-1)
  }
}

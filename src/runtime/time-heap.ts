/**
 * Items by their times, earliest first. A binary heap that gives out items of one time in the order in which Java's
 * `PriorityQueue` does, which is not always that of their coming: what a topology computes may depend on it. The time of an
 * item must not change while it is in the heap.
 */
export class TimeHeap<T> {
  readonly #items: T[] = []
  readonly #timeOf: (item: T) => number

  constructor(timeOf: (item: T) => number) {
    this.#timeOf = timeOf
  }

  get size(): number {
    return this.#items.length
  }

  /** The earliest item; undefined when there is none. */
  get first(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    const items = this.#items
    const time = this.#timeOf(item)
    let at = items.length
    while (at > 0) {
      const parentAt = (at - 1) >>> 1
      const parent = items[parentAt]
      if (parent === undefined || time >= this.#timeOf(parent)) break
      items[at] = parent
      at = parentAt
    }
    items[at] = item
  }

  /** Removes the earliest item. */
  take(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last !== undefined && items.length > 0) this.#sink(last)
    return first
  }

  /** Puts an item in the place of the first. */
  #sink(item: T): void {
    const items = this.#items
    const time = this.#timeOf(item)
    let at = 0
    for (;;) {
      const left = items[2 * at + 1]
      const right = items[2 * at + 2]
      if (left === undefined) break
      const isRight = right !== undefined && this.#timeOf(left) > this.#timeOf(right)
      const child = isRight ? right : left
      if (time <= this.#timeOf(child)) break
      items[at] = child
      at = 2 * at + (isRight ? 2 : 1)
    }
    items[at] = item
  }
}

/** Something that will happen at a virtual time, unless it is removed before. */
export interface QueuedEvent<Owner> {
  readonly timeMs: number
  /** Decides between events of one time: the one that was queued first comes first. */
  readonly sequence: number
  readonly owner: Owner
  readonly run: () => void
  /** Where the event stands in the heap; -1 once it is out. */
  place: number
}

/** The future of a simulation: a binary heap ordered by time, then by sequence. */
export class EventQueue<Owner> {
  #heap: QueuedEvent<Owner>[] = []
  #sequence = 0

  get isEmpty(): boolean {
    return this.#heap.length === 0
  }

  add(timeMs: number, owner: Owner, run: () => void): QueuedEvent<Owner> {
    const event = { timeMs, sequence: this.#sequence++, owner, run, place: this.#heap.length }
    this.#heap.push(event)
    this.#rise(event)
    return event
  }

  /** Takes the earliest event out; undefined when there is none up to that time. */
  next(untilMs: number): QueuedEvent<Owner> | undefined {
    const [first] = this.#heap
    if (first === undefined || first.timeMs > untilMs) return undefined
    this.remove(first)
    return first
  }

  remove(event: QueuedEvent<Owner>): void {
    if (event.place < 0) return
    const last = this.#heap.pop()
    if (last !== undefined && last !== event) {
      this.#put(last, event.place)
      this.#rise(last)
      this.#sink(last)
    }
    event.place = -1
  }

  removeAllOf(owner: Owner): void {
    const events = this.#heap
    this.#heap = []
    for (const event of events) {
      event.place = -1
      if (event.owner === owner) continue
      event.place = this.#heap.length
      this.#heap.push(event)
      this.#rise(event)
    }
  }

  #rise(event: QueuedEvent<Owner>): void {
    while (event.place > 0) {
      const parent = this.#heap[(event.place - 1) >> 1]
      if (parent === undefined || isBefore(parent, event)) return
      this.#swap(parent, event)
    }
  }

  #sink(event: QueuedEvent<Owner>): void {
    for (;;) {
      const left = this.#heap[2 * event.place + 1]
      const right = this.#heap[2 * event.place + 2]
      if (left === undefined) return
      const child = right !== undefined && isBefore(right, left) ? right : left
      if (isBefore(event, child)) return
      this.#swap(event, child)
    }
  }

  #swap(one: QueuedEvent<Owner>, other: QueuedEvent<Owner>): void {
    const { place } = one
    this.#put(one, other.place)
    this.#put(other, place)
  }

  #put(event: QueuedEvent<Owner>, place: number): void {
    this.#heap[place] = event
    event.place = place
  }
}

function isBefore(one: QueuedEvent<unknown>, other: QueuedEvent<unknown>): boolean {
  return one.timeMs < other.timeMs || (one.timeMs === other.timeMs && one.sequence < other.sequence)
}

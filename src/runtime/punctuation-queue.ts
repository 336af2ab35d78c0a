import assert from 'node:assert/strict'

import type { Cancellable, Punctuator } from '../topology/processor.ts'

/** A punctuator that is called again and again, as long as nobody cancels it. */
interface Punctuation<Node> {
  readonly node: Node
  readonly everyMs: number
  readonly punctuator: Punctuator
  dueMs: number
  isCancelled: boolean
}

/**
 * The punctuations of a task on one clock, earliest first. A pure binary heap; those that are due at the same time come in
 * the order in which Java's `PriorityQueue` gives them out, which is not always that of their making. Kafka Streams'
 * `PunctuationQueue`.
 */
export class PunctuationQueue<Node> {
  readonly #heap: Punctuation<Node>[] = []
  /** When the next one is due: all that a task asks after each record. */
  nextMs = Infinity

  schedule(
    { node, startMs, everyMs }: { node: Node; startMs: number; everyMs: number },
    punctuator: Punctuator,
  ): Cancellable {
    const punctuation = { node, everyMs, punctuator, dueMs: startMs, isCancelled: false }
    this.#add(punctuation)
    return {
      cancel: () => {
        punctuation.isCancelled = true
      },
    }
  }

  /**
   * Calls what is due at `nowMs`, each once however many of its times have passed, and says whether there was anything. The
   * times stay on their grid.
   */
  punctuate(nowMs: number, call: (node: Node, punctuator: Punctuator) => void): boolean {
    let punctuated = false
    while (this.nextMs <= nowMs) {
      const punctuation = this.#take()
      if (punctuation.isCancelled) continue
      call(punctuation.node, punctuation.punctuator)
      punctuated = true
      if (punctuation.isCancelled) continue
      punctuation.dueMs = nextOnGrid(punctuation.dueMs, punctuation.everyMs, nowMs)
      this.#add(punctuation)
    }
    return punctuated
  }

  #add(punctuation: Punctuation<Node>): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parentAt = (at - 1) >>> 1
      const parent = heap[parentAt]
      if (parent === undefined || punctuation.dueMs >= parent.dueMs) break
      heap[at] = parent
      at = parentAt
    }
    heap[at] = punctuation
    this.nextMs = heap[0]?.dueMs ?? Infinity
  }

  #take(): Punctuation<Node> {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    assert(first !== undefined && last !== undefined)
    if (heap.length > 0) this.#sink(last)
    this.nextMs = heap[0]?.dueMs ?? Infinity
    return first
  }

  /** Puts a punctuation in the place of the first. */
  #sink(punctuation: Punctuation<Node>): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      if (left === undefined) break
      const isRight = right !== undefined && left.dueMs > right.dueMs
      const child = isRight ? right : left
      if (punctuation.dueMs <= child.dueMs) break
      heap[at] = child
      at = 2 * at + (isRight ? 2 : 1)
    }
    heap[at] = punctuation
  }
}

/**
 * The first time of a grid after now. Written so that it is after now for all safe integers: a sum beyond them may round
 * back to what it was, and a punctuation that is due for ever would never let its task go on.
 */
export function nextOnGrid(gridMs: number, everyMs: number, nowMs: number): number {
  return nowMs < gridMs ? gridMs : nowMs + (everyMs - ((nowMs - gridMs) % everyMs))
}

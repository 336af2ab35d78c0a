import assert from 'node:assert/strict'

import type { Cancellable, Punctuator } from '../topology/processor.ts'
import { TimeHeap } from './time-heap.ts'

/** A punctuator that is called again and again, as long as nobody cancels it. */
interface Punctuation<Node> {
  readonly node: Node
  readonly everyMs: number
  readonly punctuator: Punctuator
  dueMs: number
  isCancelled: boolean
}

/**
 * The punctuations of a task on one clock, earliest first. Kafka Streams' `PunctuationQueue`.
 */
export class PunctuationQueue<Node> {
  readonly #heap = new TimeHeap<Punctuation<Node>>(({ dueMs }) => dueMs)
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
    this.#heap.add(punctuation)
    this.nextMs = this.#heap.first?.dueMs ?? Infinity
  }

  #take(): Punctuation<Node> {
    const first = this.#heap.take()
    assert(first !== undefined)
    this.nextMs = this.#heap.first?.dueMs ?? Infinity
    return first
  }
}

/**
 * The first time of a grid after now. Written so that it is after now for all safe integers: a sum beyond them may round
 * back to what it was, and a punctuation that is due for ever would never let its task go on.
 */
export function nextOnGrid(gridMs: number, everyMs: number, nowMs: number): number {
  return nowMs < gridMs ? gridMs : nowMs + (everyMs - ((nowMs - gridMs) % everyMs))
}

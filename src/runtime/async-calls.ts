import { MillraceError } from '../errors.ts'
import type { Random, Timers } from '../platform/platform.ts'
import type { AsyncWork, ResolvedAsyncOptions } from '../topology/async-call.ts'
import { type CallScope, NodeCalls } from './node-calls.ts'
import type { TaskNode } from './task-node.ts'

/** What calls of a task need of the world outside. */
export interface CallSurroundings {
  readonly timers: Timers
  readonly random: Random
  /** Called when there is something for `complete` to do. */
  readonly wake: () => void
}

/**
 * What one task has under way that takes time: calls of users' functions that return promises. Callbacks of promises and timers
 * only note what has come; everything that follows from it (results that go on, retries, the next calls) happens within
 * `complete`, which the loop of the worker calls like `process`. So nothing happens to a task while it is not at work, and a
 * result that comes after `close` happens to nobody.
 */
export class AsyncCalls {
  readonly #scope: CallScope
  readonly #surroundings: CallSurroundings
  readonly #nodes: NodeCalls<unknown>[] = []

  constructor(scope: CallScope, surroundings: CallSurroundings) {
    this.#scope = scope
    this.#surroundings = surroundings
  }

  /** The calls of one node. */
  of<R>(node: TaskNode, work: AsyncWork<R>, options: ResolvedAsyncOptions): NodeCalls<R> {
    const calls = new NodeCalls<R>({
      node,
      work,
      options,
      scope: this.#scope,
      ...this.#surroundings,
    })
    this.#nodes.push(calls)
    return calls
  }

  /** Whether the task is to take no more input for now. */
  get areFull(): boolean {
    for (const node of this.#nodes) if (node.isFull) return true
    return false
  }

  /** Records whose results have not gone on yet. */
  get inFlight(): number {
    let inFlight = 0
    for (const node of this.#nodes) inFlight += node.inFlight
    return inFlight
  }

  /** Attempts that have not come to an end yet, of those that are in flight. The others wait, for others or for a retry. */
  get attempts(): number {
    let attempts = 0
    for (const node of this.#nodes) attempts += node.attempts
    return attempts
  }

  /** Goes on with what has come; returns the number of records that are done with. */
  complete(): number {
    let completed = 0
    for (const node of this.#nodes) completed += node.complete()
    return completed
  }

  /** Aborts everything; whatever comes of it now is ignored. */
  close(): void {
    const reason = new MillraceError('CLOSED', 'Nobody waits for the call: its task was closed.')
    for (const node of this.#nodes) node.close(reason)
  }
}

import assert from 'node:assert/strict'

import type { FetchedPartition, TopicPartition } from '../client/log-client.ts'
import type { RecordQueue } from './record-queue.ts'
import type { TaskNode } from './task-node.ts'
import { TimeHeap } from './time-heap.ts'

/** One partition that a task reads. */
export interface InputQueue {
  readonly queue: RecordQueue
  /** The source that passes the queue's records on. */
  readonly node: TaskNode
}

/** How long a task waits for inputs that have nothing. */
export interface IdleOptions {
  readonly maxTaskIdleMs: number
  /** The wall clock, in milliseconds since the Unix epoch. */
  readonly now: () => number
}

/**
 * The inputs of a task, and the choice between them: the record with the smallest event time comes first, and nothing before it is
 * known that no input has a smaller one. Kafka Streams' `PartitionGroup`.
 */
export class TaskInputs {
  readonly #idle: IdleOptions
  /** In the order of topic and partition. */
  #inputs: readonly Input[] = []
  /** Those that have a head. */
  readonly #ready = new TimeHeap<Input>(({ queue }) => queue.headTimestamp)
  /** Those that may have a head by now. */
  #unread: Input[] = []
  /** That of which the last record was taken: still the first of those that are ready. */
  #taken: Input | null = null

  constructor(inputs: readonly InputQueue[], idle: IdleOptions) {
    this.#idle = idle
    for (const input of inputs) this.addInput(input)
  }

  addInput({ queue, node }: InputQueue): void {
    const input: Input = { queue, node, idleUntil: undefined, hasHead: false }
    this.#inputs = [...this.#inputs, input].sort(byTopicAndPartition)
  }

  get queues(): readonly RecordQueue[] {
    return this.#inputs.map(({ queue }) => queue)
  }

  queue(partition: TopicPartition): RecordQueue {
    return this.#input(partition).queue
  }

  /** Hands over what was fetched from an input. */
  add(fetched: FetchedPartition): void {
    const input = this.#input(fetched)
    input.queue.add(fetched)
    if (!input.hasHead && !this.#unread.includes(input)) this.#unread.push(input)
  }

  /** Inputs have moved on since the last commit. */
  get haveMoved(): boolean {
    return this.#inputs.some(({ queue }) => queue.nextOffset !== queue.committedOffset)
  }

  /** Everything that was handed over is processed, and it is everything there is as far as anybody knows. */
  get areCaughtUp(): boolean {
    return this.#inputs.every(({ queue }) => queue.isCaughtUp && !queue.hasHead())
  }

  /** Records that no source could read. */
  get skipped(): number {
    let skipped = 0
    for (const { queue } of this.#inputs) skipped += queue.skipped
    return skipped
  }

  /** The input whose head has the smallest timestamp; null while there is none, or while one must be waited for. */
  next(): InputQueue | null {
    this.#lookForHeads()
    const next = this.#ready.first
    if (next === undefined) return null
    return this.#ready.size === this.#inputs.length || !this.#waits() ? next : null
  }

  /** The head of the input that `next` gave is taken. */
  tookNext(): void {
    this.#taken = this.#ready.first ?? null
  }

  /** Puts inputs in their places: first the one that a record was taken of, then those that got records meanwhile. */
  #lookForHeads(): void {
    const ready = this.#ready
    const taken = this.#taken
    if (taken !== null) {
      // The only one stays where it is.
      const moves = ready.size > 1
      if (moves) ready.take()
      if (!taken.queue.hasHead()) {
        taken.hasHead = false
        if (!moves) ready.take()
      } else if (moves) {
        ready.add(taken)
      }
      this.#taken = null
    }
    if (this.#unread.length === 0) return
    for (const input of this.#unread) {
      if (!input.queue.hasHead()) continue
      input.idleUntil = undefined
      input.hasHead = true
      ready.add(input)
    }
    this.#unread = []
  }

  /**
   * Whether an input without a head may get one that comes first: there is more to fetch, or it has not been at its end
   * for long enough. Inputs are waited for one after the other, as by `PartitionGroup#readyToProcess`.
   */
  #waits(): boolean {
    const { maxTaskIdleMs, now } = this.#idle
    if (maxTaskIdleMs === -1) return false
    for (const input of this.#inputs) {
      const { queue } = input
      if (queue.hasHead()) continue
      if (!queue.isCaughtUp) {
        input.idleUntil = undefined
        return true
      }
      if (maxTaskIdleMs === 0) continue
      input.idleUntil ??= now() + maxTaskIdleMs
      if (now() < input.idleUntil) return true
    }
    return false
  }

  #input({ topic, partition }: TopicPartition): Input {
    for (const input of this.#inputs) {
      const { queue } = input
      if (queue.topic === topic && queue.partition === partition) return input
    }
    return assert.fail(`the task does not read partition ${partition} of ${topic}`)
  }
}

interface Input extends InputQueue {
  /** Until when records of other inputs wait for one of this, by the wall clock; undefined while they need not. */
  idleUntil: number | undefined
  /** Whether it is among those that have a head. */
  hasHead: boolean
}

function byTopicAndPartition({ queue: a }: Input, { queue: b }: Input): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}

import { MillraceError } from '../errors.ts'
import type { Random, Timer, Timers } from '../platform/platform.ts'
import type { AsyncWork, ResolvedAsyncOptions } from '../topology/async-call.ts'
import type { StreamRecord } from '../topology/record.ts'
import { type InputAtWork, keptHeaders } from './task-errors.ts'
import type { TaskNode } from './task-node.ts'

type AnyRecord = StreamRecord<unknown, unknown>

/** What calls need of their task. */
export interface CallScope {
  /** The input record at work, to be kept: what becomes of it later is as if it were at work then. */
  keepInput(): InputAtWork | null
  /** Does something as if the input were processed now and a record of that timestamp had reached the node; null for no node. */
  as<T>(node: TaskNode | null, input: InputAtWork | null, timestamp: number, action: () => T): T
  /** Asks the processing handler; throws when the task must stop. */
  processingFailed(error: unknown, nodeName: string, record: AnyRecord): void
}

/** How many records may be in flight for each call that may: results wait for those before them in the partition. */
const recordsPerCall = 8
/**
 * How many records may wait behind another of their key. A commit waits until their calls have ended, one after another; and
 * where one key has that many, more of them would not make it faster.
 */
const maxBehind = 4

/**
 * The calls of one node, and their order. A record that comes is called for at once, if fewer than `concurrency` calls are
 * under way and its order allows it; by key it waits until that before it of its key has gone on, by partition its result
 * waits until those of all before it have. A call keeps its place among those under way while it pauses for a retry.
 */
export class NodeCalls<R> {
  readonly #options: NodeCallsOptions<R>
  /** All that have not gone on, in the order in which they came. */
  readonly #inFlight = new Set<Call<R>>()
  /** Those that may be called for as soon as fewer calls are under way. */
  readonly #ready: Call<R>[] = []
  /** By key, for keys of which one is under way or ready: those that come after it. */
  readonly #behind = new Map<unknown, Call<R>[]>()
  /** Keys behind which as many records wait as may. */
  #crowded = 0
  /** Those that something has come for: the end of an attempt, or of a pause. */
  #arrived: Call<R>[] = []
  /** Calls under way. */
  #running = 0

  constructor(options: NodeCallsOptions<R>) {
    this.#options = options
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  get isFull(): boolean {
    const { concurrency } = this.#options.options
    if (this.#running >= concurrency || this.#crowded > 0) return true
    return this.#inFlight.size >= concurrency * recordsPerCall
  }

  get attempts(): number {
    let attempts = 0
    for (const { attempt } of this.#inFlight) if (attempt !== null) attempts++
    return attempts
  }

  /** Takes a record. A call that answers at once, not with a promise, is done with when this returns, if order allows it. */
  add(record: AnyRecord): void {
    const key = this.#inKeyOrder ? this.#keyOf(record.key) : null
    const input = this.#options.scope.keepInput()
    const call: Call<R> = { ...newCall, record: kept(record), key, input }
    this.#inFlight.add(call)
    const behind = this.#inKeyOrder ? this.#behind.get(key) : undefined
    if (behind === undefined) {
      if (this.#inKeyOrder) this.#behind.set(key, [])
      this.#ready.push(call)
    } else {
      behind.push(call)
      if (behind.length === maxBehind) this.#crowded++
    }
    this.#callReady()
  }

  /** Goes on with what has come; returns the number of records that are done with. */
  complete(): number {
    if (this.#arrived.length === 0) return 0
    const before = this.#inFlight.size
    const arrived = this.#arrived
    this.#arrived = []
    for (const call of arrived) {
      const { arrival } = call
      call.arrival = null
      if (arrival === null) this.#attempt(call)
      else this.#take(call, arrival)
      this.#callReady()
    }
    return before - this.#inFlight.size
  }

  close(reason: MillraceError): void {
    for (const { timer, attempt } of this.#inFlight) {
      timer?.cancel()
      attempt?.abort(reason)
    }
    for (const call of this.#inFlight) call.attempt = null
    this.#inFlight.clear()
    this.#arrived = []
  }

  get #inKeyOrder(): boolean {
    return this.#options.options.order === 'key'
  }

  /** What is equal for equal keys. */
  #keyOf(key: unknown): unknown {
    if (typeof key !== 'object' || key === null) return key
    const { node, options } = this.#options
    if (options.key === undefined) {
      throw new MillraceError(
        'PROCESSING_ERROR',
        `${node.nodeName} keeps the order of each key and cannot tell keys apart that are objects, because nothing says how they become bytes there. Give it a serde: { key: … }.`,
      )
    }
    return options.key.serialize(key).toString('latin1')
  }

  #callReady(): void {
    const { concurrency } = this.#options.options
    while (this.#running < concurrency) {
      const call = this.#ready.shift()
      if (call === undefined) return
      this.#running++
      this.#attempt(call)
    }
  }

  #attempt(call: Call<R>): void {
    const { scope, work, options, timers } = this.#options
    const { record, input } = call
    const { timestamp, headers } = record
    const metadata = input && {
      topic: input.topic,
      partition: input.partition,
      offset: input.offset,
    }
    const attempt = new AbortController()
    const { signal } = attempt
    const told = { metadata, timestamp, headers, signal, attempt: ++call.attempts }
    let answer: R | PromiseLike<R>
    try {
      answer = scope.as(null, input, timestamp, () => work.call(record, told))
    } catch (error) {
      this.#take(call, { error })
      return
    }
    if (!isPromiseLike(answer)) {
      this.#take(call, { result: answer })
      return
    }
    call.attempt = attempt
    if (options.timeoutMs < Infinity) {
      call.timer = timers.schedule(options.timeoutMs, () => this.#timedOut(call, attempt))
    }
    Promise.resolve(answer).then(
      result => this.#ended(call, attempt, { result }),
      (error: unknown) => this.#ended(call, attempt, { error }),
    )
  }

  #timedOut(call: Call<R>, attempt: AbortController): void {
    const { node, options } = this.#options
    const error = new MillraceError(
      'CALL_TIMED_OUT',
      `A call of ${node.nodeName} has not ended within ${options.timeoutMs} ms. Give it more time (timeoutMs), or let it be tried again (retries).`,
    )
    this.#ended(call, attempt, { error })
    attempt.abort(error)
  }

  /** Notes the end of an attempt, unless it is given up already. */
  #ended(call: Call<R>, attempt: AbortController, outcome: Outcome<R>): void {
    if (call.attempt !== attempt) return
    call.attempt = null
    call.timer?.cancel()
    call.timer = null
    call.arrival = outcome
    this.#arrive(call)
  }

  #arrive(call: Call<R>): void {
    this.#arrived.push(call)
    this.#options.wake()
  }

  #take(call: Call<R>, given: Outcome<R>): void {
    let outcome = given
    if ('error' in outcome) {
      try {
        if (this.#isTriedAgain(call, outcome.error)) {
          this.#pause(call)
          return
        }
      } catch (error) {
        // Who could not say whether to try again has the last word.
        outcome = { error }
      }
    }
    call.outcome = outcome
    this.#running--
    if (this.#inKeyOrder) {
      this.#goOn(call, outcome)
      this.#free(call.key)
      return
    }
    for (const next of this.#inFlight) {
      if (next.outcome === null) return
      this.#goOn(next, next.outcome)
    }
  }

  #isTriedAgain(call: Call<R>, error: unknown): boolean {
    const { retries, retryIf } = this.#options.options
    return call.attempts <= retries && retryIf(error)
  }

  #pause(call: Call<R>): void {
    const { options, timers, random } = this.#options
    call.timer = timers.schedule(pauseMs(call.attempts, options, random), () => {
      call.timer = null
      this.#arrive(call)
    })
  }

  /** The record is done with, one way or the other. */
  #goOn(call: Call<R>, outcome: Outcome<R>): void {
    const { scope, node, work } = this.#options
    const { record, input } = call
    this.#inFlight.delete(call)
    scope.as(node, input, record.timestamp, () => {
      try {
        if ('error' in outcome) throw outcome.error
        work.completed(record, outcome.result)
      } catch (error) {
        scope.processingFailed(error, node.nodeName, record)
      }
    })
  }

  #free(key: unknown): void {
    const behind = this.#behind.get(key)
    if (behind?.length === maxBehind) this.#crowded--
    const next = behind?.shift()
    if (next === undefined) this.#behind.delete(key)
    else this.#ready.push(next)
  }
}

interface NodeCallsOptions<R> {
  readonly node: TaskNode
  readonly work: AsyncWork<R>
  readonly options: ResolvedAsyncOptions
  readonly scope: CallScope
  readonly timers: Timers
  readonly random: Random
  readonly wake: () => void
}

/** A record on its way through a node. */
interface Call<R> {
  readonly record: AnyRecord
  /** What is equal for equal keys; null where order is not that of keys. */
  readonly key: unknown
  readonly input: InputAtWork | null
  attempts: number
  /** The attempt that is awaited; null between attempts. */
  attempt: AbortController | null
  /** Of the attempt or the pause. */
  timer: Timer | null
  /** What an attempt came to, until somebody looks at it. */
  arrival: Outcome<R> | null
  /** What it all came to. */
  outcome: Outcome<R> | null
}

const newCall = { attempts: 0, attempt: null, timer: null, arrival: null, outcome: null }

type Outcome<R> = { readonly result: R } | { readonly error: unknown }

/** The bytes of headers are part of a larger buffer. */
function kept(record: AnyRecord): AnyRecord {
  const headers = keptHeaders(record.headers)
  return headers === record.headers ? record : { ...record, headers }
}

const jitter = 0.2

/** The pause before retry number `retry` (from 1). Kafka's `ExponentialBackoff`. */
function pauseMs(
  retry: number,
  { retryBackoffMs, retryBackoffMaxMs }: ResolvedAsyncOptions,
  random: Random,
): number {
  const base = Math.min(retryBackoffMs * 2 ** Math.min(retry - 1, 30), retryBackoffMaxMs)
  return base * (1 - jitter + (2 * jitter * random.uint32()) / 2 ** 32)
}

function isPromiseLike<R>(answer: R | PromiseLike<R>): answer is PromiseLike<R> {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'then' in answer &&
    typeof answer.then === 'function'
  )
}

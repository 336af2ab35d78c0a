import { MillraceError } from '../errors.ts'
import type { Serde } from '../serde/serde.ts'
import type { RecordContext, StreamRecord } from './record.ts'

/**
 * What a function whose work takes time is told about the record it works on, and about the attempt it makes.
 * `metadata` says where the input record is in its topic: topic, partition and offset name it for ever, so they make a key by
 * which the other side can tell that it was asked before.
 */
export interface AsyncCall extends RecordContext {
  /**
   * Aborted when the attempt has timed out, or the task was taken away and nobody wants the result any more. Hand it on, to
   * `fetch` for instance: what goes on regardless is not waited for, and its result is ignored.
   */
  readonly signal: AbortSignal
  /** 1 for the first attempt, 2 for the first retry. */
  readonly attempt: number
}

/**
 * How work that takes time is done.
 */
export interface AsyncOptions<K = unknown> {
  /**
   * How many calls an operator has under way at a time in each task. While there are as many, or four records wait behind
   * another of their key, the task takes no more input. Samza's `task.max.concurrency`.
   * @defaultValue 16
   */
  readonly concurrency?: number
  /**
   * What keeps its order. `key`: calls of a key are made one after another, so that results and what the calls do elsewhere are
   * in the order of the records; keys overtake each other; records without a key count as of one key. `partition`: calls are made side by side
   * whatever their keys, and results go on in the order in which the records came.
   * @defaultValue 'key'
   */
  readonly order?: 'key' | 'partition'
  /** How long an attempt may take, in milliseconds; Infinity for as long as it likes. @defaultValue 30_000 */
  readonly timeoutMs?: number
  /** How often a call that failed is tried again. @defaultValue 0 */
  readonly retries?: number
  /**
   * The pause before the first retry in milliseconds. It doubles with each retry and varies by a fifth. Kafka's
   * `retry.backoff.ms`.
   * @defaultValue 100
   */
  readonly retryBackoffMs?: number
  /** The longest pause between two attempts in milliseconds. Kafka's `retry.backoff.max.ms`. @defaultValue 10_000 */
  readonly retryBackoffMaxMs?: number
  /** Whether another attempt may help against an error. @defaultValue always */
  readonly retryIf?: (error: unknown) => boolean
  /**
   * By whose bytes keys are told apart that are no text, number or boolean. @defaultValue the serde of the stream's keys, where
   * the topology knows it
   */
  readonly key?: Serde<K>
}

/** The same with every default resolved. */
export type ResolvedAsyncOptions = Required<Omit<AsyncOptions, 'key'>> & {
  readonly key: Serde<unknown> | undefined
}

/** Throws INVALID_CONFIG for what cannot work; `operator` is what the user called. */
export function resolveAsyncOptions<K>(
  operator: string,
  options: AsyncOptions<K>,
): Omit<ResolvedAsyncOptions, 'key'> {
  const resolved = {
    concurrency: options.concurrency ?? 16,
    order: options.order ?? 'key',
    timeoutMs: options.timeoutMs ?? 30_000,
    retries: options.retries ?? 0,
    retryBackoffMs: options.retryBackoffMs ?? 100,
    retryBackoffMaxMs: options.retryBackoffMaxMs ?? 10_000,
    retryIf: options.retryIf ?? always,
  }
  const { concurrency, order, timeoutMs, retries, retryBackoffMs, retryBackoffMaxMs } = resolved
  const require = (name: string, value: unknown, holds: boolean, wanted: string): void => {
    if (holds) return
    throw new MillraceError(
      'INVALID_CONFIG',
      `${name} of ${operator} is ${String(value)}. Give ${wanted}.`,
    )
  }
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
  const isPause = (value: number): boolean => Number.isFinite(value) && value >= 0
  const pause = 'a number of milliseconds of at least 0'
  require('concurrency', concurrency, isCount(concurrency) &&
    concurrency > 0, 'a whole number of at least 1')
  require('order', order, isOrder(order), "'key' or 'partition'")
  require('timeoutMs', timeoutMs, timeoutMs > 0, 'a number of milliseconds above 0, or Infinity')
  require('retries', retries, isCount(retries), 'a whole number of at least 0')
  require('retryBackoffMs', retryBackoffMs, isPause(retryBackoffMs), pause)
  require('retryBackoffMaxMs', retryBackoffMaxMs, isPause(retryBackoffMaxMs), pause)
  return resolved
}

const always = (): boolean => true

/** Not every caller was compiled. */
const isOrder = (order: string): boolean => order === 'key' || order === 'partition'

/** What an operator whose work takes time does with each record. */
export interface AsyncWork<R = unknown> {
  /** Begins an attempt. Called in the turn of the task, but nothing can be forwarded. */
  call(record: StreamRecord<unknown, unknown>, call: AsyncCall): R | PromiseLike<R>
  /** Takes the result of the last attempt, in the turn of the task, as if the record were processed now. */
  completed(record: StreamRecord<unknown, unknown>, result: R): void
}

/**
 * Turns one type into bytes and back. Null never reaches a serde: a null key or value is a null in the record.
 * Implementations are stateless and synchronous, and throw any error they like: the caller adds topic, partition and
 * offset.
 *
 * @example
 * ```ts
 * import { type Serde } from 'millrace'
 *
 * const date: Serde<Date> = {
 *   name: 'date',
 *   serialize: value => Buffer.from(value.toISOString()),
 *   deserialize: bytes => new Date(bytes.toString()),
 * }
 * date.deserialize(date.serialize(new Date(0))).getTime() // → 0
 * ```
 */
export interface Serde<T> {
  /** What the type is called in error messages and descriptions, such as `string` or `json`. */
  readonly name: string
  /**
   * The bytes of a value, which the caller keeps.
   */
  serialize(value: T): Buffer
  /** `bytes` may be a view into a larger buffer: copy what must outlive the call. */
  deserialize(bytes: Buffer): T
}

import type { Serde } from './serde.ts'

const nothing: Serde<null> = Object.freeze({
  name: 'void',
  serialize(value: null): Buffer {
    throw new RangeError(`Nothing but null may be here, not ${String(value)}`)
  },
  deserialize(bytes: Buffer): null {
    throw new RangeError(`Nothing may be here, but there are ${bytes.length} bytes`)
  },
})

/**
 * No bytes at all: for keys or values of which every one is null. Kafka's `VoidSerializer`. Throws a RangeError for
 * anything else, in both directions.
 *
 * @example
 * ```ts
 * import { string, voidSerde } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const keyless = { key: voidSerde(), value: string() }
 * const driver = new TestDriver(builder => builder.stream('in', keyless).to('out'))
 * driver.inputTopic('in', keyless).pipe(null, 'yes')
 * driver.outputTopic('out', keyless).read() // → { key: null, value: 'yes', … }
 * driver.inputTopic('in', { ...keyless, key: string() }).pipe('a', 'no') // throws SERDE_ERROR
 * ```
 */
export function voidSerde(): Serde<null> {
  return nothing
}

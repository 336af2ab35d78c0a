import type { Serde } from '../../serde/serde.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { Change, StreamRecord } from '../record.ts'
import type { UserFunction } from '../user-function.ts'

type Pair = readonly [key: unknown, value: unknown]

/**
 * Gives the halves of a change the keys of their groups: the old value leaves its group, then the new one joins its own.
 * In one group both are one record. Groups are the same when their bytes are, whatever objects stand for them. A row
 * whose new key or value is null is in no group, nor is one that has a later version. `KTableRepartitionMap`.
 */
export function tableGroupBy(
  selector: UserFunction<[key: unknown, value: unknown], Pair>,
  keySerde: Serde<unknown>,
  { ofVersions }: { ofVersions: boolean },
): ProcessorSupplier {
  const groupOf = (key: unknown, value: unknown): Pair | null => {
    if (value === null) return null
    const pair = selector(key, value)
    return (pair[0] ?? null) === null || (pair[1] ?? null) === null ? null : pair
  }
  const isSame = (one: unknown, two: unknown): boolean =>
    one === two || keySerde.serialize(one).equals(keySerde.serialize(two))
  return context => {
    const send = (
      { timestamp, headers }: StreamRecord<unknown, unknown>,
      group: unknown,
      value: Change<unknown>,
    ): void => context.forward({ key: group, value, timestamp, headers })
    return {
      process(record: StreamRecord<unknown, Change<unknown>>) {
        if (ofVersions && record.value.isLatest === false) return
        const now = groupOf(record.key, record.value.newValue)
        const before = groupOf(record.key, record.value.oldValue)
        if (now !== null && before !== null && isSame(before[0], now[0])) {
          send(record, now[0], { newValue: now[1], oldValue: before[1] })
          return
        }
        if (before !== null) send(record, before[0], { newValue: null, oldValue: before[1] })
        if (now !== null) send(record, now[0], { newValue: now[1], oldValue: null })
      },
    }
  }
}

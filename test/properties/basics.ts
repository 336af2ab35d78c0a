import type { InputRecord } from '../../src/testing/properties/index.ts'

/** Operators by the rule, over everything that was read: records with the texts as keys and values. */
export type TextRecord = InputRecord<'left' | 'right', string, string>

export interface Output {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

export type Interpreter = (records: readonly TextRecord[]) => Output[]

/** What comes of the records of a key, of which there is one more each time. */
const perKey =
  (fold: (values: string[]) => string): Interpreter =>
  records =>
    records.flatMap((record, at) => {
      if (record.key === null || record.value === null) return []
      const same = records
        .slice(0, at + 1)
        .filter(({ key, value }) => key === record.key && value !== null)
      return {
        key: record.key,
        value: fold(same.flatMap(({ value }) => value ?? [])),
        timestamp: Math.max(...same.map(({ timestamp }) => timestamp)),
      }
    })

export const naiveCount = perKey(values => `${values.length}`)
export const naiveReduce = perKey(values => values.join('+'))
export const naiveAggregate = perKey(values =>
  values.reduce((all, value) => `${all}${value.length}`, '.'),
)

/** The value of each key after so many records of a topic; keys without one are not there. */
function tableOf(records: readonly TextRecord[], topic: string): Map<string, TextRecord> {
  const rows = new Map<string, TextRecord>()
  for (const record of records) {
    if (record.topic !== topic || record.key === null) continue
    if (record.value === null) rows.delete(record.key)
    else rows.set(record.key, record)
  }
  return rows
}

/** For each value that a table has somewhere: how many keys have it, when a record has changed that. */
export const naiveTableGroupBy: Interpreter = records => {
  const times = new Map<string, number>()
  return records.flatMap((record, at) => {
    if (record.key === null) return []
    const before = tableOf(records.slice(0, at), 'left')
    const after = tableOf(records.slice(0, at + 1), 'left')
    const from = before.get(record.key)?.value
    const to = after.get(record.key)?.value
    const groups = [...new Set([from, to])].filter(group => typeof group === 'string')
    return groups.map((group, step) => {
      // The old group loses its row before the new one gets it.
      const rows = step < groups.length - 1 || to === undefined ? new Map(before) : after
      if (group !== to) rows.delete(record.key ?? '')
      const time = Math.max(times.get(group) ?? 0, record.timestamp)
      times.set(group, time)
      const size = [...rows.values()].filter(({ value }) => value === group).length
      return { key: group, value: `${size}`, timestamp: time }
    })
  })
}

export const naiveStreamTableJoin =
  (join: 'inner' | 'left'): Interpreter =>
  records =>
    records.flatMap(({ topic, key, value, timestamp }, at) => {
      if (topic !== 'left' || value === null) return []
      if (key === null && join === 'inner') return []
      const row = key === null ? undefined : tableOf(records.slice(0, at), 'right').get(key)
      if (row === undefined && join === 'inner') return []
      return { key, value: `${value}&${row?.value ?? 'nothing'}`, timestamp }
    })

/** The value of the stream is the key of the table. */
export const naiveGlobalJoin =
  (join: 'inner' | 'left'): Interpreter =>
  records =>
    records.flatMap(({ topic, key, value, timestamp }, at) => {
      if (topic !== 'left' || value === null) return []
      const row = tableOf(records.slice(0, at), 'right').get(value)
      if (row === undefined && join === 'inner') return []
      return { key, value: `${value}&${row?.value ?? 'nothing'}`, timestamp }
    })

/** Both tables have the key: its values together; one has lost it: nothing. */
export const naiveTableTableJoin: Interpreter = records =>
  records.flatMap((record, at) => {
    const { topic, key, value, timestamp } = record
    if (key === null) return []
    const other = tableOf(records.slice(0, at), topic === 'left' ? 'right' : 'left').get(key)
    if (other === undefined) return []
    const [left, right] = topic === 'left' ? [value, other.value] : [other.value, value]
    const time = Math.max(timestamp, other.timestamp)
    return { key, value: value === null ? null : `${left}&${right}`, timestamp: time }
  })

/** Values that begin with x go to their own branch; the others come once for each of their letters. */
export const naiveStateless: Interpreter = records =>
  records.flatMap(({ key, value, timestamp }) => {
    if (value === null) return []
    if (value.startsWith('x')) return { key, value: `branch ${value}`, timestamp }
    return value
      .split('')
      .map(letter => ({ key: `${key}!`, value: letter.toUpperCase(), timestamp }))
  })

import { expect, test } from 'vitest'

import { StreamsBuilder, string, tumbling, untilTimeLimit } from '../../src/index.ts'

const text = { key: string(), value: string() }

test('a table knows the name of its store if it was given one', () => {
  const builder = new StreamsBuilder()
  const table = builder.table('in', text)
  const stored = builder.table('stored', { ...text, store: 'rows' })
  const windows = builder.stream('words', text).groupByKey().windowedBy(tumbling(10))
  const tables = [
    [table, undefined],
    [stored, 'rows'],
    [stored.filter(() => true), undefined],
    [stored.mapValues(String, { store: 'mapped', value: string() }), 'mapped'],
    [stored.suppress(untilTimeLimit(10), { name: 'calm' }), undefined],
    [table.join(stored, v => v, { store: 'joined', ...text }), 'joined'],
    [windows.count(), undefined],
    [windows.count({ store: 'counts' }), 'counts'],
    [builder.globalTable('global', { ...text, store: 'all' }), 'all'],
    [builder.globalTable('other-global', text), undefined],
  ] as const
  for (const [each, name] of tables) expect(each.queryableStoreName).toBe(name)
})

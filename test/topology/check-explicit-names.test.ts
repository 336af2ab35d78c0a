import { expect, test } from 'vitest'

import { StreamsBuilder } from '../../src/dsl/streams-builder.ts'
import { string } from '../../src/serde/string.ts'

const text = { key: string(), value: string() }

function build(define: (builder: StreamsBuilder) => void): () => unknown {
  const builder = new StreamsBuilder()
  define(builder)
  return () => builder.build('app', { ensureExplicitInternalResourceNaming: true })
}

test('all stores and repartition topics without a name of their own are listed at once', () => {
  const unnamed = build(builder => {
    const byWord = builder.stream('words', text).selectKey((_, word) => word)
    byWord.groupByKey(text).count()
    byWord.groupByKey({ ...text, name: 'by-word' }).count({ store: 'counts' })
    byWord.repartition(text).foreach(() => {})
    builder.table('names', text).filter(() => true, { store: 'long' })
  })
  expect(unnamed).toThrow(
    expect.objectContaining({
      code: 'INVALID_TOPOLOGY',
      message:
        'These stores, and with them their changelog topics, have generated names: ' +
        'KSTREAM-AGGREGATE-STATE-STORE-0000000002. ' +
        'Name them with the option store, those of a join with name. ' +
        'These repartition topics have generated names: ' +
        'KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition, ' +
        'KSTREAM-REPARTITION-0000000011-repartition. ' +
        'Name them with the option name of groupBy, of the join or of repartition.',
    }),
  )
})

test('names that look generated but were given pass, and so do names of nodes without stores', () => {
  const named = build(builder => {
    const store = 'KSTREAM-AGGREGATE-STATE-STORE-0000000002'
    const byWord = builder.stream('words', text).selectKey((_, word) => word)
    byWord
      .groupByKey({ ...text, name: store })
      .count({ store })
      .toStream()
      .to('counts')
  })
  expect(named).not.toThrow()
})

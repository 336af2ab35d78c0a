import { expect, test } from 'vitest'

import { TopologyBuilder, keyValueStore, string, windowStore } from '../../src/index.ts'

const text = { key: string(), value: string() }
const rows = keyValueStore('rows', text)
const nothing = () => ({ process() {} })
const filled = {
  source: 'fill-source',
  topic: 'table',
  ...text,
  processor: 'fill',
  supplier: nothing,
}

/** What is wrong is said by the call that is wrong. */
const refused: Record<string, [build: (t: TopologyBuilder) => unknown, sentence: string]> = {
  'two nodes of one name': [
    t => t.addProcessor('source', nothing, 'source'),
    'Two nodes are called source.',
  ],
  'a topic of two sources': [
    t => t.addSource('again', ['more', 'in'], text),
    'The topic in of again is read by source already.',
  ],
  'no parents': [t => t.addSink('sink', 'out', [], text), 'sink has no parents.'],
  'an unknown parent': [
    t => t.addSink('sink', 'out', 'nobody', text),
    'There is no node nobody for sink to stand below.',
  ],
  'a sink as a parent': [
    t => t.addSink('sink', 'out', 'source', text).addProcessor('P', nothing, 'sink'),
    'P cannot stand below the sink sink',
  ],
  'two stores of one name': [
    t => t.addStateStore(rows).addStateStore(keyValueStore('rows', text)),
    'Two stores are called rows.',
  ],
  'a store and a global one of one name': [
    t => t.addStateStore(rows).addGlobalStore(keyValueStore('rows', text), filled),
    'Two stores are called rows.',
  ],
  'a store of a source': [
    t => t.addStateStore(rows, 'source'),
    'The source source cannot have stores.',
  ],
  'a store of nobody': [t => t.addStateStore(rows, 'nobody'), 'There is no processor nobody'],
  'an unknown store': [
    t => t.addProcessor('P', nothing, 'source', { stores: ['rows'] }),
    'There is no store rows to connect P to.',
  ],
  'a global store that is named': [
    t => t.addGlobalStore(rows, filled).addProcessor('P', nothing, 'source', { stores: ['rows'] }),
    'P names the global store rows.',
  ],
  'a read-only store of windows': [
    t =>
      t.addReadOnlyStateStore(
        windowStore('windows', { ...text, retention: 10, windowSize: 1 }),
        filled,
      ),
    'only the rows of key-value stores are records',
  ],
  'an application id that is no name': [t => t.build('no name'), 'The name "no name"'],
}

test.each(Object.entries(refused))('%s', (_, [build, sentence]) => {
  const builder = new TopologyBuilder().addSource('source', 'in', text)
  expect(() => build(builder)).toThrow(expect.objectContaining({ code: 'INVALID_TOPOLOGY' }))
  const again = new TopologyBuilder().addSource('source', 'in', text)
  expect(() => build(again)).toThrow(sentence)
})

test('one definition is one store; a topology can be built twice', () => {
  const builder = new TopologyBuilder()
    .addSource('source', 'in', text)
    .addProcessor('one', nothing, 'source', { stores: [rows] })
    .addProcessor('two', nothing, 'source', { stores: [rows] })
    .addStateStore(rows)
  for (const id of ['first', 'second']) {
    const { subtopologies, internalTopics } = builder.build(id)
    expect(subtopologies.map(({ stores }) => stores.length)).toEqual([1])
    expect(internalTopics.map(({ name }) => name)).toEqual([`${id}-rows-changelog`])
  }
})

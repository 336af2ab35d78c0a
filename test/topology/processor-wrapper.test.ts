import { expect, test } from 'vitest'

import {
  type ProcessorWrapper,
  StreamsBuilder,
  TopologyBuilder,
  keyValueStore,
  string,
} from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'

const text = { key: string(), value: string() }

/** Notes which processors see a record, and whether their lives end. */
function tracing(): { calls: string[]; processorWrapper: ProcessorWrapper } {
  const calls: string[] = []
  const processorWrapper: ProcessorWrapper = (name, supplier) => context => {
    const inner = supplier(context)
    return {
      process(record) {
        calls.push(`${name} ${String(record.key)}`)
        inner.process(record)
      },
      close() {
        calls.push(`close ${name}`)
        inner.close?.()
      },
    }
  }
  return { calls, processorWrapper }
}

test('every processor is wrapped: of operators, of users, of global stores', () => {
  const { calls, processorWrapper } = tracing()
  const rows = keyValueStore('rows', text)
  const builder = new StreamsBuilder()
  builder.addGlobalStore(rows, 'rows', { ...text, name: 'global' }, context => {
    const store = context.store(rows)
    return { process: ({ key, value }) => store.put(key, value) }
  })
  builder
    .stream('in', text)
    .filter(() => true, { name: 'filter' })
    .process(context => ({ process: record => context.forward(record) }), { name: 'own' })
    .to('out', text)
  const driver = new TestDriver(builder.build('app', { processorWrapper }))
  driver.inputTopic('rows', text).pipe('g', 'row')
  driver.inputTopic('in', text).pipe('a', 'yes')
  expect(calls).toEqual(['global g', 'filter a', 'own a'])
  expect(driver.outputTopic('out', text).readAll()).toHaveLength(1)
  driver.close()
  expect(calls.slice(3).sort()).toEqual(['close filter', 'close global', 'close own'])
})

test('so are those of topologies built by hand', () => {
  const { calls, processorWrapper } = tracing()
  const topology = new TopologyBuilder()
    .addSource('source', 'in', text)
    .addProcessor('own', () => ({ process() {} }), 'source')
    .build('app', { processorWrapper })
  new TestDriver(topology).inputTopic('in', text).pipe('a', 'yes')
  expect(calls).toEqual(['own a'])
})

import { expect, test } from 'vitest'

import { keyValueStore, string } from '../../src/index.ts'
import { MockProcessorContext } from '../../src/testing/index.ts'

const text = { key: string(), value: string() }

test('stores are there by definition and by name, and nothing else is', () => {
  const rows = keyValueStore('rows', text)
  const context = new MockProcessorContext({ stores: [rows] })
  context.store(rows).put('a', 'yes')
  expect(context.store<{ get(key: string): string }>('rows').get('a')).toBe('yes')
  expect(() => context.store('other')).toThrow('asked for the store other')
})

test('a punctuator that is cancelled says so', () => {
  const context = new MockProcessorContext()
  const cancellable = context.schedule({ every: 1000, type: 'streamTime', startAt: 5 }, () => {})
  expect(context.punctuations).toMatchObject([
    { every: 1000, type: 'streamTime', startAt: 5, isCancelled: false },
  ])
  cancellable.cancel()
  expect(context.punctuations[0]?.isCancelled).toBe(true)
})

test('what is forwarded goes to all children or to one', () => {
  const context = new MockProcessorContext<string, string>()
  const record = { key: 'a', value: 'yes', timestamp: 1, headers: [] }
  context.forward(record)
  context.forward(record, 'one')
  expect(context.forwarded).toEqual([
    { record, childName: null },
    { record, childName: 'one' },
  ])
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TaskOffsetMetadata, decodePartitionTime } from '../../src/runtime/task-offset-metadata.ts'

const time = fc.oneof(fc.constant(-1), fc.maxSafeNat())
const numbers = fc
  .array(fc.tuple(fc.string({ maxLength: 20, unit: 'grapheme' }), fc.maxSafeNat()))
  .map(entries => new Map(entries))

function encoded(partitionTime: number, values: ReadonlyMap<string, number>): string {
  const metadata = new TaskOffsetMetadata([])
  for (const [name, value] of values) metadata.number(name).value = value
  return metadata.encode(partitionTime)
}

test('what was committed is there again; of several inputs, the largest', () => {
  fc.assert(
    fc.property(time, numbers, time, numbers, (firstTime, first, secondTime, second) => {
      const committed = [encoded(firstTime, first), encoded(secondTime, second)]
      const metadata = new TaskOffsetMetadata(committed)
      expect(committed.map(decodePartitionTime)).toEqual([firstTime, secondTime])
      expect(metadata.partitionTime).toBe(Math.max(firstTime, secondTime))
      for (const name of [...first.keys(), ...second.keys()]) {
        const expected = Math.max(first.get(name) ?? -1, second.get(name) ?? -1)
        expect(metadata.number(name).value).toBe(expected)
      }
    }),
  )
})

test('the bytes are those of Kafka Streams', () => {
  expect(encoded(5, new Map())).toBe(Buffer.from('020000000000000005', 'hex').toString('base64'))
  const withNumber = `0200000000000000050000000100000006${Buffer.from('counts').toString('hex')}0000000000000102`
  expect(Buffer.from(encoded(5, new Map([['counts', 258]])), 'base64').toString('hex')).toBe(
    withNumber,
  )
})

test('a number can come later than the first commit', () => {
  const metadata = new TaskOffsetMetadata([])
  metadata.encode(1)
  metadata.number('late').value = 7
  expect(new TaskOffsetMetadata([metadata.encode(1)]).number('late').value).toBe(7)
})

test('more numbers than a broker takes are left out, and the rest can be committed', () => {
  const names = Array.from({ length: 100 }, (_, at) => `a-long-name-${at}-${'x'.repeat(40)}`)
  const many = new Map(names.map((name, at) => [name, at]))
  const committed = encoded(3, many)
  expect(committed.length).toBeLessThanOrEqual(4096)
  expect(decodePartitionTime(committed)).toBe(3)
  expect(new TaskOffsetMetadata([committed]).number(names[1] ?? '').value).toBe(1)
})

describe('metadata of others', () => {
  test('tells nothing, and does no harm', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), text => {
        const metadata = new TaskOffsetMetadata([text])
        expect(metadata.partitionTime).toBeGreaterThanOrEqual(-1)
        expect(metadata.encode(4)).not.toBe('')
      }),
    )
  })

  test('may be cut off anywhere', () => {
    const bytes = Buffer.from(encoded(5, new Map(Object.entries({ one: 1, two: 2 }))), 'base64')
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length).toString('base64')
      expect(new TaskOffsetMetadata([cut]).number('two').value).toBe(-1)
    }
  })
})

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { CheckedBytes } from '../../../src/broker/log/checked-bytes.ts'

test('never claims a byte that was not read, appended or scanned', () => {
  const stretch = fc.tuple(fc.nat(60), fc.nat(20)).map(([from, length]) => [from, from + length])
  const step = fc.oneof(
    fc.record({ kind: fc.constant('read'), stretch }),
    fc.record({ kind: fc.constant('append'), stretch }),
    fc.record({ kind: fc.constant('truncate'), stretch }),
  )
  fc.assert(
    fc.property(fc.nat(40), fc.array(step, { maxLength: 30 }), stretch, (start, steps, asked) => {
      let size = start
      const checked = new CheckedBytes(size)
      const model = new Set<number>()
      for (const {
        kind,
        stretch: [from = 0, to = 0],
      } of steps) {
        if (kind === 'append') {
          for (let at = size; at < size + to - from; at++) model.add(at)
          size += to - from
        } else if (kind === 'truncate') {
          size = Math.min(size, from)
          for (const at of model) if (at >= size) model.delete(at)
          checked.truncate(size)
        } else {
          for (let at = from; at < Math.min(to, size); at++) model.add(at)
          checked.add(Math.min(from, size), Math.min(to, size))
        }
      }
      const [from = 0, to = 0] = asked.map(at => Math.min(at, size))
      const all = Array.from({ length: to - from }, (_, n) => from + n).every(at => model.has(at))
      expect(checked.has(from, to) && from < to && !all).toBe(false)
    }),
    { numRuns: 2000 },
  )
})

test('a reader that goes through the file is checked once', () => {
  const checked = new CheckedBytes(100)
  for (let at = 0; at < 100; at += 10) {
    expect(checked.has(at, at + 10)).toBe(false)
    checked.add(at, at + 10)
  }
  expect(checked.has(0, 100)).toBe(true)
  expect(checked.has(35, 1000)).toBe(true)
})

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineSplitter } from '../../src/platform/line-splitter.ts'

test('gives whole lines however the bytes arrive', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme' }).map(text => text.replaceAll('\n', ' ')))
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 7 }), (written, size) => {
      const bytes = Buffer.from(written.map(line => `${line}\n`).join(''))
      const splitter = new LineSplitter(1000)
      const lines: string[] = []
      for (let at = 0; at < bytes.length; at += size) {
        lines.push(...splitter.push(bytes.subarray(at, at + size)))
      }
      lines.push(...splitter.end())
      expect(lines).toEqual(written)
    }),
  )
})

test('gives what was begun, and cuts what never ends', () => {
  const lines = new LineSplitter(10)
  expect(lines.push(Buffer.from('a\u2028b\nc'))).toEqual(['a\u2028b'])
  expect(lines.push(Buffer.from('0123456789'))).toEqual(['c0123456789'])
  expect(lines.push(Buffer.from('begun'))).toEqual([])
  expect(lines.end()).toEqual(['begun'])
  expect(lines.end()).toEqual([])
})

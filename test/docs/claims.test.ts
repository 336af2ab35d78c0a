import { describe, expect, test } from 'vitest'
import { more, shows, textOf, throws, withAssertions } from './claims.ts'

describe('a claim becomes a call on its line', () => {
  test.each([
    ['1 + 1 // → 2', ';shows(1 + 1, 2)'],
    ["url('//x') // → '//y'", ";shows(url('//x'), '//y')"],
    ['read() // → { a: 1, … }', ';shows(read(), { a: 1, ...more })'],
    ['read() // → [\n//   1,\n// ]', ';shows(read(), [   1, ])\n//   1,\n// ]'],
    ['text() // →\n// a\n//\n//  b', ';shows(textOf(text()), "a\\n\\n b")\n// a\n//\n//  b'],
    ['await go() // throws CLOSED', ";await throws(async () => await go(), 'CLOSED')"],
  ])('%s', (code, asserted) => {
    expect(withAssertions(code)).toEqual({ code: asserted, claims: 1 })
  })

  test.each(['read()', '// read() // → 1', 'read() // reads → and forgets'])('%s is none', code => {
    expect(withAssertions(code)).toEqual({ code, claims: 0 })
  })
})

test('a value is shown as a whole, but for objects that may have more properties', () => {
  shows({ a: 1, b: { c: [2] } }, { a: 1, b: { c: [2] } })
  shows([{ a: 1, b: 2 }], [{ a: 1, ...more }])
  shows({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1, ...more }, ...more })
  shows(new Map(), new Map())
  expect(() => shows({ a: 1, b: 2 }, { a: 1 })).toThrow(/deep-equal/)
  expect(() => shows({ a: 1 }, { a: 1, b: undefined, ...more })).toThrow(/deep-equal/)
  expect(() => shows([1, 2], [1])).toThrow(/deep-equal/)
  expect(() => shows(undefined, { ...more })).toThrow(/deep-equal/)
  expect(() => shows(1, '1')).toThrow(/deep-equal/)
})

test('a text is shown without what a comment cannot hold', () => {
  expect(textOf(' a  \n\n b\n\n')).toBe(' a\n\n b')
})

test('an error is shown by its code or its name', async () => {
  const fail = (error: Error) => async () => {
    throw error
  }
  await throws(fail(new RangeError('far')), 'RangeError')
  await throws(fail(Object.assign(new Error('shut'), { code: 'CLOSED' })), 'CLOSED')
  await expect(throws(fail(new RangeError('far')), 'TypeError')).rejects.toThrow(/strictly equal/)
  await expect(throws(async () => 1, 'TypeError')).rejects.toThrow(/Missing expected rejection/)
})

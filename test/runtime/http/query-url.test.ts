import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { parseQuery, queryUrl } from '../../../src/runtime/http/query-url.ts'
import { parseKey, rowDecoder, rowEncoder } from '../../../src/runtime/http/row-json.ts'
import type { QueryNode } from '../../../src/runtime/queries/query.ts'
import { bytes } from '../../../src/serde/bytes.ts'
import { json } from '../../../src/serde/json.ts'
import { long } from '../../../src/serde/numbers.ts'
import type { Serde } from '../../../src/serde/serde.ts'
import { string } from '../../../src/serde/string.ts'
import { windowed } from '../../../src/serde/windowed.ts'
import type { QueryableDefinition } from '../../../src/state/store-definition.ts'

const keys: readonly (readonly [Serde<unknown>, fc.Arbitrary<unknown>])[] = [
  [string(), fc.string({ unit: 'grapheme' })],
  [long(), fc.maxSafeInteger()],
  [json(), fc.record({ a: fc.string(), b: fc.array(fc.integer()) })],
  [bytes(), fc.uint8Array().map(each => Buffer.from(each))],
  [
    windowed(string(), 60_000),
    fc.tuple(fc.string(), fc.nat()).map(([key, start]) => {
      return { key, window: { start, end: start + 60_000 } }
    }),
  ],
]

const span = fc.record({ from: fc.nat(), to: fc.nat(), reverse: fc.boolean() })
const sessions = fc.record({ earliestEnd: fc.nat(), latestStart: fc.nat(), reverse: fc.boolean() })

/** Each kind of question, with the kind of store that it is for and what of it is asked. */
const questions = (key: fc.Arbitrary<unknown>) => {
  const fromTo = fc.record({ fromKey: key, toKey: key })
  const query = (node: fc.Arbitrary<object>): fc.Arbitrary<QueryNode> =>
    node.map(each => each as QueryNode)
  const both = (a: fc.Arbitrary<object>, b: fc.Arbitrary<object>) =>
    fc.tuple(a, b).map(([x, y]) => ({ ...x, ...y }))
  return [
    ['keyValue', 'row', query(fc.record({ kind: fc.constant('key'), key }))],
    [
      'versionedKeyValue',
      'row',
      query(fc.record({ kind: fc.constant('versionedKey'), key, asOf: fc.nat() })),
    ],
    ['versionedKeyValue', 'row', query(fc.record({ kind: fc.constant('versionedKey'), key }))],
    [
      'versionedKeyValue',
      'versions',
      query(fc.record({ kind: fc.constant('multiVersionedKey'), key, range: span })),
    ],
    ['window', 'windows', query(fc.record({ kind: fc.constant('windowKey'), key, range: span }))],
    [
      'session',
      'sessions',
      query(fc.record({ kind: fc.constant('session'), key, range: sessions })),
    ],
    [
      'keyValue',
      'rows',
      query(
        fc.record({
          kind: fc.constant('range'),
          range: fc.record({ from: key, to: key, reverse: fc.boolean() }),
        }),
      ),
    ],
    [
      'window',
      'rows',
      query(fc.record({ kind: fc.constant('windowRange'), range: both(span, fromTo) })),
    ],
    [
      'session',
      'rows',
      query(fc.record({ kind: fc.constant('sessionRange'), range: both(sessions, fromTo) })),
    ],
  ] as const
}

const definitionOf = (kind: string, key: Serde<unknown>): QueryableDefinition =>
  ({ kind, name: 'a store/ü', key, value: json(), changelogTopic: null, retentionMs: 1 }) as never

describe.each(keys)('keys of %o', (serde, key) => {
  test('a question is what it was when it comes out of its URL', () => {
    for (const [kind, part, question] of questions(key)) {
      const definition = definitionOf(kind, serde)
      fc.assert(
        fc.property(question, query => {
          const url = new URL(
            queryUrl(definition, query, { positionBound: { in: { 3: 4 } }, stale: true }),
            'http://localhost',
          )
          const [, , store = '', , keyText] = url.pathname.split('/').map(decodeURIComponent)
          expect(store).toBe(definition.name)
          const asked = parseQuery(
            definition,
            part,
            part === 'rows' ? undefined : keyText,
            url.searchParams,
          )
          expect(asked.query).toEqual(query)
          expect(asked).toMatchObject({ positionBound: { in: { 3: 4 } }, stale: true, limit: 1000 })
        }),
        { numRuns: 30 },
      )
    }
  })

  test('a row is what it was', () => {
    const definition = definitionOf('versionedKeyValue', serde)
    const value = fc.oneof(fc.string(), fc.array(fc.integer()))
    const row = fc.record({
      key,
      value,
      timestamp: fc.nat(),
      validTo: fc.oneof(fc.nat(), fc.constant(Infinity)),
    })
    fc.assert(
      fc.property(row, each => {
        const sent: unknown = JSON.parse(JSON.stringify(rowEncoder(definition, 'bytes')(each)))
        expect(rowDecoder(definition)(sent as Record<string, unknown>)).toEqual(each)
      }),
    )
  })
})

test('people write keys as they are, and get JSON', () => {
  const parse = (serde: Serde<unknown>, text: string): unknown =>
    parseKey(definitionOf('keyValue', serde), text, 'json')
  expect(parse(string(), '7')).toBe('7')
  expect(parse(long(), '7')).toBe(7)
  expect(parse(bytes(), 'AQI')).toEqual(Buffer.from([1, 2]))
  expect(parse(json(), '{"a":1}')).toEqual({ a: 1 })
  const encode = rowEncoder(definitionOf('keyValue', string()), 'json')
  expect(encode({ key: 'a', value: { n: 5n, b: Buffer.from([1, 2]), d: new Date(0) } })).toEqual({
    key: 'a',
    value: { n: '5', b: 'AQI=', d: new Date(0) },
  })
})

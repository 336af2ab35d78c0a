import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'

import type { Entry, KeyRange, StoreEngine } from '../../src/state/store-engine.ts'

/** What every storage engine promises (`src/state/store-engine.ts`). */
export function storeEngineContract(
  name: string,
  make: () => { engine: StoreEngine; remove: () => void },
): void {
  describe(`${name}: store engine contract`, () => {
    let cleanUp = (): void => {}
    const newEngine = (): StoreEngine => {
      cleanUp()
      const { engine, remove } = make()
      cleanUp = remove
      return engine
    }
    afterEach(() => {
      cleanUp()
      cleanUp = () => {}
    })

    test('a value is read back until it is overwritten or deleted', async () => {
      const database = await newEngine().open('0_0')
      expect(database.get(bytes('a'))).toBeUndefined()
      await database.write([{ key: bytes('a'), value: bytes('1') }])
      expect(database.get(bytes('a'))).toEqual(bytes('1'))
      await database.write([{ key: bytes('a'), value: bytes('2') }])
      expect(database.get(bytes('a'))).toEqual(bytes('2'))
      await database.write([{ key: bytes('a'), value: null }])
      expect(database.get(bytes('a'))).toBeUndefined()
      await database.close()
    })

    test('operations of one write apply in order', async () => {
      const database = await newEngine().open('0_0')
      await database.write([
        { key: bytes('a'), value: bytes('1') },
        { key: bytes('a'), value: null },
        { key: bytes('b'), value: null },
        { key: bytes('b'), value: bytes('2') },
      ])
      expect(await toList(database.entries({}))).toEqual([[bytes('b'), bytes('2')]])
      await database.close()
    })

    test('an empty write and an empty value are fine', async () => {
      const database = await newEngine().open('0_0')
      await database.write([])
      await database.write([{ key: bytes('a'), value: Buffer.alloc(0) }])
      expect(database.get(bytes('a'))).toEqual(Buffer.alloc(0))
      await database.close()
    })

    test('a value that was read may be changed by its reader', async () => {
      const database = await newEngine().open('0_0')
      await database.write([{ key: bytes('a'), value: bytes('1') }])
      database.get(bytes('a'))?.fill(0)
      for await (const [, value] of database.entries({})) value.fill(0)
      expect(database.get(bytes('a'))).toEqual(bytes('1'))
      await database.close()
    })

    test('entries are those of the moment at which the iteration begins', async () => {
      const database = await newEngine().open('0_0')
      await database.write([{ key: bytes('a'), value: bytes('1') }])
      const entries = database.entries({})
      await database.write([{ key: bytes('b'), value: bytes('1') }])
      const iterator = entries[Symbol.asyncIterator]()
      const first = iterator.next()
      await database.write([
        { key: bytes('b'), value: bytes('2') },
        { key: bytes('c'), value: bytes('2') },
      ])
      expect(await first).toEqual({ done: false, value: [bytes('a'), bytes('1')] })
      expect(await iterator.next()).toEqual({ done: false, value: [bytes('b'), bytes('1')] })
      expect((await iterator.next()).done).toBe(true)
      await database.close()
    })

    test('a database that is opened again has its rows; destroyed, it has none', async () => {
      const engine = newEngine()
      const database = await engine.open('0_0')
      await database.write([{ key: bytes('a'), value: bytes('1') }])
      await database.sync()
      await database.close()
      const again = await engine.open('0_0')
      expect(again.get(bytes('a'))).toEqual(bytes('1'))
      await again.close()
      await engine.destroy('0_0')
      const anew = await engine.open('0_0')
      expect(await toList(anew.entries({}))).toEqual([])
      await anew.close()
    })

    test('databases of one engine are apart', async () => {
      const engine = newEngine()
      const first = await engine.open('0_0')
      const second = await engine.open('0_1')
      await first.write([{ key: bytes('a'), value: bytes('1') }])
      expect(second.get(bytes('a'))).toBeUndefined()
      await first.close()
      await second.close()
    })

    test('behaves as a sorted map, restarts included', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 20 }), async steps => {
          const engine = newEngine()
          const model = new Map<string, Buffer>()
          let database = await engine.open('0_0')
          for (const step of steps) {
            switch (step.kind) {
              case 'write':
                for (const [key, value] of step.operations) {
                  if (value === null) model.delete(latin1(key))
                  else model.set(latin1(key), value)
                }
                await database.write(step.operations.map(([key, value]) => ({ key, value })))
                break
              case 'get':
                expect(database.get(step.key)).toEqual(model.get(latin1(step.key)))
                expect(await database.getMany([step.key, bytes('none')])).toEqual([
                  model.get(latin1(step.key)),
                  model.get('none'),
                ])
                break
              case 'range': {
                const expected = modelRange(model, step.range)
                expect(await toList(database.entries(step.range))).toEqual(expected)
                if (database.entriesSync !== undefined) {
                  expect([...database.entriesSync(step.range)]).toEqual(expected)
                }
                break
              }
              case 'reopen':
                await database.close()
                database = await engine.open('0_0')
            }
          }
          await database.close()
        }),
        { numRuns: 30 },
      )
    })
  })
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const latin1 = (key: Buffer): string => key.toString('latin1')

async function toList(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const list: Entry[] = []
  for await (const entry of entries) list.push(entry)
  return list
}

function modelRange(model: ReadonlyMap<string, Buffer>, range: KeyRange): Entry[] {
  const entries = [...model]
    .map(([key, value]): Entry => [bytes(key), value])
    .filter(([key]) => range.from === undefined || Buffer.compare(key, range.from) >= 0)
    .filter(([key]) => range.to === undefined || Buffer.compare(key, range.to) < 0)
    .sort(([a], [b]) => Buffer.compare(a, b))
  return range.reverse === true ? entries.toReversed() : entries
}

/** Few different bytes, so that keys meet; the extremes, so that order and prefixes matter. */
const key = fc
  .array(fc.constantFrom(0x00, 0x61, 0x7f, 0x80, 0xff), { minLength: 1, maxLength: 3 })
  .map(list => Buffer.from(list))
const value = fc.uint8Array({ maxLength: 5 }).map(list => Buffer.from(list))

const step = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    operations: fc.array(fc.tuple(key, fc.option(value)), { maxLength: 6 }),
  }),
  fc.record({ kind: fc.constant('get' as const), key }),
  fc.record({
    kind: fc.constant('range' as const),
    range: fc.record({ from: key, to: key, reverse: fc.boolean() }, { requiredKeys: [] }),
  }),
  fc.record({ kind: fc.constant('reopen' as const) }),
)

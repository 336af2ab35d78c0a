import { describe, expect, test } from 'vitest'

import { memoryEngine } from '../../src/state/memory-engine.ts'
import { newCacheBudget, RecordCache } from '../../src/state/record-cache.ts'
import { RowTable } from '../../src/state/row-table.ts'
import { newRow, rowValue } from '../../src/state/stored-row.ts'

/** A table with a cache whose updates are texts; what it handed on is in `handedOn`, with the row before. */
function cachedTable(maxBytes = 1_000_000, budget = newCacheBudget(maxBytes)) {
  if (budget === undefined) throw new Error('there is nothing to hold')
  const table = new RowTable(memoryEngine().openSync('0_0'), '0_0', 'store')
  const handedOn: string[] = []
  const cache = new RecordCache<string>(budget, {
    handOn(update, before) {
      const text = before === undefined ? 'nothing' : rowValue(before).toString()
      handedOn.push(`${update} after ${text}`)
    },
    forget: key => table.forget(key),
  })
  table.cacheUpdates(cache)
  const put = (key: string, value: string | null): boolean => {
    const row = value === null ? null : newRow(Buffer.from(value), 1)
    table.put(Buffer.from(key), row, 1)
    return cache.hold(`${key}=${value}`)
  }
  const commit = (): string[] => {
    cache.flush()
    const changes = [...table.prepare()].map(({ key, row }) => {
      const value = row === null ? null : rowValue(row).toString()
      return `${table.storeKey(key).toString()}=${value}`
    })
    table.committed()
    return changes
  }
  return { table, cache, budget, handedOn, put, commit }
}

describe('a cache', () => {
  test('hands on the last update of each row, in the order of the last writes', () => {
    const { put, commit, handedOn } = cachedTable()
    put('a', '1')
    put('b', '1')
    put('a', '2')
    expect(handedOn).toEqual([])
    expect(commit()).toEqual(['b=1', 'a=2'])
    expect(handedOn).toEqual(['b=1 after nothing', 'a=2 after nothing'])
  })

  test('hands on the row as of the last flush, whatever came in between', () => {
    const { put, cache, commit, handedOn } = cachedTable()
    put('a', '1')
    commit()
    put('a', '2')
    put('a', null)
    put('a', '3')
    commit()
    put('a', '4')
    cache.flush()
    put('a', null)
    commit()
    expect(handedOn).toEqual(['a=1 after nothing', 'a=3 after 1', 'a=4 after 3', 'a=null after 4'])
  })

  test('leaves nothing of a row that came and went, not in the changelog either', () => {
    const { put, commit, handedOn } = cachedTable()
    put('a', '1')
    put('a', null)
    put('b', null)
    expect(commit()).toEqual([])
    expect(handedOn).toEqual([])
  })

  test('keeps a deletion that an earlier flush of the same commit has handed on', () => {
    const { put, cache, commit, handedOn } = cachedTable()
    put('a', '1')
    commit()
    put('a', null)
    cache.flush()
    put('a', '2')
    put('a', null)
    expect(commit()).toEqual(['a=null'])
    expect(handedOn).toEqual(['a=1 after nothing', 'a=null after 1'])
  })

  test('hands on everything when it is full, and all caches share the room', () => {
    const one = cachedTable(1000)
    const two = cachedTable(0, one.budget)
    one.put('a', '1')
    one.put('b', '1')
    two.put('a', '1')
    two.put('b', '1')
    expect([one.handedOn, two.handedOn]).toEqual([[], []])
    two.put('c', 'x'.repeat(200))
    expect(one.handedOn).toEqual([])
    expect(two.handedOn).toHaveLength(3)
    one.cache.discard()
    expect(one.budget.bytes).toBe(0)
  })

  test('of one byte hands on each update at once', () => {
    const { put, handedOn } = cachedTable(1)
    put('a', '1')
    put('a', '2')
    expect(handedOn).toEqual(['a=1 after nothing', 'a=2 after 1'])
  })

  test('says when the store has refused the row', () => {
    const { put, cache } = cachedTable()
    expect(put('a', '1')).toBe(true)
    expect(cache.hold('b=1')).toBe(false)
  })

  test('takes no notice of rows that are evicted', () => {
    const { table, put, commit, handedOn } = cachedTable()
    put('a', '1')
    commit()
    table.evict(Buffer.from('a'), 1)
    expect(commit()).toEqual(['a=null'])
    expect(handedOn).toEqual(['a=1 after nothing'])
  })

  test('of no bytes there is none', () => {
    expect(newCacheBudget(0)).toBeUndefined()
  })
})

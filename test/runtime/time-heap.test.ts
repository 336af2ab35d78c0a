import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { TimeHeap } from '../../src/runtime/time-heap.ts'

interface Item {
  readonly name: string
  readonly time: number
}

function heapOf(items: readonly Item[]): TimeHeap<Item> {
  const heap = new TimeHeap<Item>(({ time }) => time)
  for (const item of items) heap.add(item)
  return heap
}

function drain(heap: TimeHeap<Item>): Item[] {
  const items: Item[] = []
  while (heap.first !== undefined) {
    const { first } = heap
    expect(heap.take()).toBe(first)
    items.push(first)
  }
  return items
}

const item = fc.record({ name: fc.string(), time: fc.nat(5) })

describe('a time heap', () => {
  test('gives out what was added, earliest first', () => {
    fc.assert(
      fc.property(fc.array(item), items => {
        const heap = heapOf(items)
        expect(heap.size).toBe(items.length)
        const drained = drain(heap)
        expect(drained.map(({ time }) => time)).toEqual(
          items.map(({ time }) => time).toSorted((a, b) => a - b),
        )
        expect(new Set(drained)).toEqual(new Set(items))
        expect(heap.take()).toBeUndefined()
      }),
    )
  })

  test('gives out items of one time in the order of Java’s PriorityQueue', () => {
    const names = (text: string): Item[] => text.split('').map(name => ({ name, time: 1 }))
    const order = (text: string): string =>
      drain(heapOf(names(text)))
        .map(({ name }) => name)
        .join('')
    expect(order('ab')).toBe('ab')
    expect(order('abc')).toBe('acb')
    expect(order('abcd')).toBe('adcb')
    expect(order('abcdefgh')).toBe('ahgfedcb')
  })
})

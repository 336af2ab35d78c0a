import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConnectionMemory, type MemoryHolder } from '../../src/broker/connection-memory.ts'

const LIMIT = 1000

class Holder implements MemoryHolder {
  isKnown = true
  requestBytes = 0
  responseBytes = 0
  responsesTakenMs = 0
  isReading = true
  isShed = false
  readonly #memory: ConnectionMemory

  constructor(memory: ConnectionMemory) {
    this.#memory = memory
  }

  readAgain(): void {
    this.isReading = this.#memory.mayRead(this)
  }

  shed(): void {
    this.isShed = true
  }
}

const world = (count: number): { memory: ConnectionMemory; holders: Holder[] } => {
  const memory = new ConnectionMemory({
    queuedMaxRequestBytes: LIMIT,
    queuedMaxResponseBytes: LIMIT,
  })
  return { memory, holders: Array.from({ length: count }, () => new Holder(memory)) }
}

describe('requests', () => {
  const CHUNK = 50
  const FRAME = 600

  test('stay within the limit and one frame, and none waits for ever', () => {
    const step = fc.record({ who: fc.nat(4), bytes: fc.integer({ min: 1, max: CHUNK }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), steps => {
        const { memory, holders } = world(5)
        const receive = (holder: Holder, bytes: number): void => {
          memory.hold(holder, bytes)
          // A frame is complete: it is served and answered.
          if (holder.requestBytes >= FRAME) memory.release(holder, holder.requestBytes)
          holder.readAgain()
        }
        for (const { who, bytes } of steps) {
          const holder = holders[who]
          if (holder?.isReading) receive(holder, bytes)
          expect(memory.requestBytes).toBe(
            holders.reduce((sum, each) => sum + each.requestBytes, 0),
          )
          expect(memory.requestBytes).toBeLessThanOrEqual(LIMIT + FRAME + 5 * CHUNK)
        }
        // Whatever they hold by now, all of them come to the end of their frame.
        for (let turn = 0; turn < 200 && memory.requestBytes > 0; turn++) {
          const next = holders.find(holder => holder.isReading && holder.requestBytes > 0)
          expect(next).toBeDefined()
          if (next !== undefined) receive(next, FRAME - next.requestBytes)
        }
        expect(memory.requestBytes).toBe(0)
        expect(holders.every(({ isReading }) => isReading)).toBe(true)
      }),
    )
  })

  test('who holds less than its share goes on beside those who hold too much', () => {
    const { memory, holders } = world(3)
    const [first, second, small] = holders
    for (const big of [first, second]) if (big !== undefined) memory.hold(big, 400)
    for (const holder of holders) holder.readAgain()
    expect(holders.map(({ isReading }) => isReading)).toEqual([true, false, true])
    if (small === undefined) return
    memory.hold(small, 100)
    small.readAgain()
    expect(small.isReading).toBe(true)
    memory.release(small, 100)
  })

  test('who has not logged in is never the one that goes on', () => {
    const { memory, holders } = world(2)
    const [stranger, known] = holders
    if (stranger === undefined || known === undefined) return
    stranger.isKnown = false
    for (const holder of holders) memory.hold(holder, 400)
    for (const holder of holders) holder.readAgain()
    expect([stranger.isReading, known.isReading]).toEqual([false, true])
    memory.release(known, 400)
    expect(stranger.isReading).toBe(true)
  })

  test('who goes on lets the next one once it holds no more than its share, be it never silent', () => {
    const { memory, holders } = world(3)
    const [busy, other] = holders
    if (busy === undefined || other === undefined) return
    for (const holder of holders) memory.hold(holder, 300)
    busy.readAgain()
    other.readAgain()
    expect(other.isReading).toBe(false)
    memory.hold(busy, 50)
    memory.release(busy, 300)
    expect(memory.requestBytes).toBeGreaterThan(LIMIT / 2)
    expect(other.isReading).toBe(true)
  })

  test('a connection that closes gives back what it held', () => {
    const { memory, holders } = world(2)
    const [first, second] = holders
    if (first === undefined || second === undefined) return
    memory.hold(first, 900)
    memory.hold(second, 600)
    first.readAgain()
    second.readAgain()
    expect(second.isReading).toBe(false)
    memory.forget(first)
    expect(memory.requestBytes).toBe(600)
    expect(second.isReading).toBe(true)
    memory.forget(second)
    expect(memory.requestBytes).toBe(0)
  })
})

describe('responses', () => {
  test('beyond the limit, who has taken nothing for the longest time goes', () => {
    const { memory, holders } = world(3)
    const [old, recent, fresh] = holders
    if (old === undefined || recent === undefined || fresh === undefined) return
    memory.noteResponses(recent, 400, 1)
    memory.noteResponses(old, 400, 2)
    memory.noteResponses(recent, 300, 3)
    memory.noteResponses(old, 450, 4)
    memory.noteResponses(fresh, 200, 5)
    expect(holders.some(({ isShed }) => isShed)).toBe(false)
    memory.noteResponses(fresh, 300, 6)
    expect(holders.map(({ isShed }) => isShed)).toEqual([true, false, false])
    expect(memory.responseBytes).toBe(600)
  })

  test('as they pile up, fetches get less, but never nothing', () => {
    const memory = new ConnectionMemory({
      queuedMaxRequestBytes: LIMIT,
      queuedMaxResponseBytes: 1_000_000,
    })
    const holder = new Holder(memory)
    expect(memory.fetchBytes).toBe(500_000)
    memory.noteResponses(holder, 600_000, 1)
    expect(memory.fetchBytes).toBe(200_000)
    memory.noteResponses(holder, 999_999, 1)
    expect(memory.fetchBytes).toBe(65_536)
  })
})

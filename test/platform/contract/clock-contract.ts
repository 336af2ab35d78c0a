import { describe, expect, test } from 'vitest'
import type { Timers } from '../../../src/platform/platform.ts'
import type { InWorld } from '../platform-contract.ts'

export function clockContract(inWorld: InWorld): void {
  describe('clock, timers and random', () => {
    test(
      'the wall clock is whole milliseconds of this century',
      inWorld(async ({ platform }) => {
        const now = platform.clock.now()
        expect(Number.isSafeInteger(now)).toBe(true)
        expect(now).toBeGreaterThan(Date.UTC(2020, 0, 1))
      }),
    )

    test(
      'the monotonic clock never steps back',
      inWorld(async ({ platform }) => {
        let last = platform.clock.monotonic()
        for (let i = 0; i < 1000; i++) {
          const next = platform.clock.monotonic()
          expect(next).toBeGreaterThanOrEqual(last)
          last = next
        }
      }),
    )

    test(
      'work that goes on until a deadline comes to its end',
      inWorld(async ({ platform }) => {
        const deadline = platform.clock.monotonic() + 2
        while (platform.clock.monotonic() < deadline);
        expect(platform.clock.monotonic()).toBeGreaterThanOrEqual(deadline)
      }),
    )

    test(
      'the boot of the machine does not change while it runs',
      inWorld(async ({ platform }) => {
        expect(platform.clock.bootId).toBe(platform.clock.bootId)
        expect(typeof platform.clock.bootId).toBe('string')
      }),
    )

    test(
      'a timer fires once and not before its time',
      inWorld(async ({ platform: { clock, timers } }) => {
        for (const delayMs of [0, 0.4, 1, 2.5, 7]) {
          const from = clock.monotonic()
          let fired = 0
          await new Promise<void>(resolve => {
            timers.schedule(delayMs, () => {
              fired += 1
              resolve()
            })
          })
          expect(clock.monotonic() - from).toBeGreaterThanOrEqual(delayMs)
          await elapse(timers, 3)
          expect(fired).toBe(1)
        }
      }),
    )

    test(
      'timers fire by their time, and those of one time in the order in which they were set',
      inWorld(async ({ platform: { timers } }) => {
        const fired: string[] = []
        const last = new Promise<void>(resolve => timers.schedule(40, resolve))
        timers.schedule(20, () => fired.push('20 a'))
        timers.schedule(5, () => fired.push('5 a'))
        timers.schedule(20, () => fired.push('20 b'))
        timers.schedule(5, () => fired.push('5 b'))
        await last
        expect(fired).toEqual(['5 a', '5 b', '20 a', '20 b'])
      }),
    )

    test(
      'a cancelled timer does not fire, and cancelling again is harmless',
      inWorld(async ({ platform: { timers } }) => {
        const fired: string[] = []
        const early = timers.schedule(1, () => fired.push('early'))
        const late = timers.schedule(2, () => fired.push('late'))
        early.cancel()
        early.cancel()
        await elapse(timers, 5)
        late.cancel()
        expect(fired).toEqual(['late'])
      }),
    )

    test(
      'a timer may cancel another of the same time',
      inWorld(async ({ platform: { timers } }) => {
        const fired: string[] = []
        timers.schedule(1, () => {
          fired.push('first')
          second.cancel()
        })
        const second = timers.schedule(1, () => fired.push('second'))
        await elapse(timers, 5)
        expect(fired).toEqual(['first'])
      }),
    )

    test(
      'a timer of months waits instead of firing at once',
      inWorld(async ({ platform: { timers } }) => {
        let fired = false
        const timer = timers.schedule(2 ** 33, () => {
          fired = true
        })
        await elapse(timers, 5)
        timer.cancel()
        expect(fired).toBe(false)
      }),
    )

    test(
      'yield lets due timers run',
      inWorld(async ({ platform: { timers } }) => {
        const fired: number[] = []
        for (const i of [1, 2, 3]) timers.schedule(0, () => fired.push(i))
        while (fired.length < 3) await timers.yield()
        expect(fired).toEqual([1, 2, 3])
      }),
    )

    test(
      'random numbers are 32-bit and spread over their range',
      inWorld(async ({ platform: { random } }) => {
        const sixteenths = new Set<number>()
        for (let i = 0; i < 1000; i++) {
          const number = random.uint32()
          expect(Number.isInteger(number) && number >= 0 && number < 2 ** 32).toBe(true)
          sixteenths.add(Math.floor(number / 2 ** 28))
        }
        expect(sixteenths.size).toBe(16)
      }),
    )

    test(
      'random bytes have the length asked for and differ',
      inWorld(async ({ platform: { random } }) => {
        expect(random.bytes(0)).toHaveLength(0)
        expect(random.bytes(13)).toHaveLength(13)
        expect(random.bytes(16).equals(random.bytes(16))).toBe(false)
      }),
    )
  })
}

/** Resolves after `delayMs` on the platform's own timers. */
export function elapse(timers: Timers, delayMs: number): Promise<void> {
  return new Promise(resolve => timers.schedule(delayMs, resolve))
}

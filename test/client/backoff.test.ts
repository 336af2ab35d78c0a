import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Sleeper,
  backoffMs,
  firstBackoffMs,
  longestBackoffMs,
  retrying,
} from '../../src/client/backoff.ts'
import { nextSequence } from '../../src/client/producer-sequence.ts'
import { MillraceError } from '../../src/errors.ts'
import { VirtualPlatform } from './virtual-platform.ts'

const lost = new MillraceError('CONNECTION_LOST', 'Gone.')

test('a pause is never shorter than the first and never longer than the longest, but for the jitter', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1, max: 1e9 }),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      (failures, draw) => {
        const pause = backoffMs(failures, { uint32: () => draw, bytes: () => Buffer.alloc(0) })
        expect(pause).toBeGreaterThanOrEqual(firstBackoffMs * 0.8)
        expect(pause).toBeLessThanOrEqual(longestBackoffMs * 1.2)
      },
    ),
  )
})

test('sequences count records and wrap from 2^31 - 1 to 0', () => {
  expect(nextSequence(0, 1)).toBe(1)
  expect(nextSequence(2 ** 31 - 1, 1)).toBe(0)
  const sequence = fc.integer({ min: 0, max: 2 ** 31 - 1 })
  const records = fc.integer({ min: 1, max: 2 ** 31 - 1 })
  fc.assert(
    fc.property(sequence, records, (from, count) => {
      const next = nextSequence(from, count)
      expect(BigInt(next)).toBe((BigInt(from) + BigInt(count)) % 2n ** 31n)
    }),
  )
})

describe('retrying', () => {
  const contextOf = (platform: VirtualPlatform) => ({
    clock: platform.clock,
    random: platform.random,
    sleeper: new Sleeper(platform.timers),
    retryTimeoutMs: 10_000,
  })

  test('repeats what may succeed later', async () => {
    const platform = new VirtualPlatform()
    let calls = 0
    const result = retrying(contextOf(platform), 'trying', async () => {
      calls += 1
      if (calls < 4) throw lost
      return calls
    })
    expect(await platform.until(result)).toBe(4)
  })

  test('throws the last error once the time is used up', async () => {
    const platform = new VirtualPlatform()
    const result = retrying(contextOf(platform), 'trying', () => Promise.reject(lost))
    await expect(platform.until(result)).rejects.toBe(lost)
    expect(platform.nowMs).toBeGreaterThan(8_000)
    expect(platform.nowMs).toBeLessThanOrEqual(10_000)
  })

  test('does not repeat what will not succeed, nor what the group gave to somebody else', async () => {
    const platform = new VirtualPlatform()
    for (const code of ['LOG_ERROR', 'TASK_MIGRATED'] as const) {
      const error = new MillraceError(code, 'No.')
      let calls = 0
      const result = retrying(contextOf(platform), 'trying', () => {
        calls += 1
        return Promise.reject(error)
      })
      await expect(platform.until(result)).rejects.toBe(error)
      expect(calls).toBe(1)
    }
  })

  test('ends at once when its owner closes', async () => {
    const platform = new VirtualPlatform()
    const context = contextOf(platform)
    const result = retrying(context, 'waiting for rain', () => Promise.reject(lost))
    await platform.pass(100)
    context.sleeper.close()
    await expect(result).rejects.toMatchObject({
      code: 'CLOSED',
      message: 'The client was closed while waiting for rain.',
    })
    expect(platform.pendingTimers).toBe(0)
  })
})

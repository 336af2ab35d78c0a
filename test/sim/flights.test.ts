import { describe, expect, test } from 'vitest'
import { type Fault, input, naive, run } from './flights-world.ts'

const faults: readonly Fault[] = [
  'clean stop',
  'kill',
  'loss of the stores',
  'power loss',
  'power loss of the broker',
]
const runs = faults.flatMap(fault => [7, 8].map(seed => ({ fault, seed })))

describe('flights in the simulator', () => {
  test.each(runs)(
    '$fault in the middle, seed $seed: the same twice, and right',
    async ({ fault, seed }) => {
      const moment = { committed: 100 * seed - 400, afterMs: seed }
      const first = await run(seed, fault, moment)
      expect(await run(seed, fault, moment)).toEqual(first)
      expect(first.processedBefore).toBeGreaterThan(0)
      expect(first.processedBefore).toBeLessThan(input.length)
      expect(first.days).toEqual(first.changelog)
      // What is gone, or not to be trusted, comes back from the changelog; what is there is not read again.
      if (fault === 'loss of the stores' || fault === 'power loss') {
        expect(first.restored).toBeGreaterThan(0)
      } else if (fault !== 'kill') {
        expect(first.restored).toBe(0)
      }
      expect(first.days).toEqual(naive())
    },
  )

  test('another seed is another run', async () => {
    const [first, second] = [await run(1, 'kill'), await run(2, 'kill')]
    expect(second.traceHash).not.toBe(first.traceHash)
  })
})

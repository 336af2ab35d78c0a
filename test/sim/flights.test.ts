import { describe, expect, test } from 'vitest'
import { type Fault, input, naive, run } from './flights-world.ts'

function flightsOn(day: string | undefined): number {
  return Number(day?.split(' ')[0] ?? 0)
}

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
        expect(first.restored).toBeGreaterThan(50)
      } else if (fault !== 'kill') {
        expect(first.restored).toBe(0)
      }
      const expected = naive()
      if (fault === 'clean stop') expect(first.days).toEqual(expected)
      for (const [day, sum] of Object.entries(expected)) {
        expect(flightsOn(first.days[day])).toBeGreaterThanOrEqual(flightsOn(sum))
      }
    },
  )

  test('another seed is another run', async () => {
    const [first, second] = [await run(1, 'kill'), await run(2, 'kill')]
    expect(second.traceHash).not.toBe(first.traceHash)
  })
})

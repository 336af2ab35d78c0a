import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/platform/simulated/seeded-random.ts'

test('a seed gives the same numbers forever: a reported seed must still replay next year', () => {
  const random = seededRandom(1, 'example')
  expect([random.uint32(), random.uint32(), random.uint32()]).toMatchInlineSnapshot(`
    [
      3244980979,
      375472980,
      796890617,
    ]
  `)
})

test('streams of one seed, and neighbouring seeds, have nothing in common', () => {
  const first = (seed: number, name: string): string =>
    seededRandom(seed, name).bytes(16).toString('hex')
  const starts = [first(1, 'a'), first(1, 'b'), first(2, 'a'), first(-1, 'a'), first(2 ** 40, 'a')]
  expect(new Set(starts).size).toBe(5)
  // Half of the bits of two independent 16-byte strings agree, give or take.
  for (const [i, one] of starts.entries()) {
    for (const other of starts.slice(i + 1)) {
      const difference = BigInt(`0x${one}`) ^ BigInt(`0x${other}`)
      const differingBits = difference.toString(2).replaceAll('0', '').length
      expect(differingBits).toBeGreaterThan(35)
      expect(differingBits).toBeLessThan(93)
    }
  }
})

test('below, within and chance keep their ranges and use all of them', () => {
  const random = seededRandom(3, 'ranges')
  const counts = [0, 0, 0, 0, 0]
  let chances = 0
  for (let i = 0; i < 5000; i++) {
    const number = random.below(5)
    counts[number] = (counts[number] ?? 0) + 1
    const within = random.within({ min: -2, max: 3 })
    expect(within >= -2 && within < 3).toBe(true)
    if (random.chance(0.2)) chances += 1
    expect(random.chance(0)).toBe(false)
    expect(random.chance(1)).toBe(true)
  }
  for (const count of [...counts, chances]) {
    expect(count).toBeGreaterThan(850)
    expect(count).toBeLessThan(1150)
  }
})

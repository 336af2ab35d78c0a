import type { SeededRandom } from '../../../src/platform/simulated/seeded-random.ts'

export function pick<T>(list: readonly T[], random: SeededRandom): T {
  const item = list[random.below(list.length)]
  if (item === undefined) throw new Error('nothing to choose from')
  return item
}

/** One of the keys. */
export const key = (record: Readonly<Record<string, unknown>>, random: SeededRandom): string =>
  pick(Object.keys(record), random)

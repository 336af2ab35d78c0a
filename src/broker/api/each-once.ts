/**
 * What requests name more than once. Only the number of names in a request is bounded; what is told of one can be
 * thousands of times as long as its name. Told once each, an answer is not larger than what the broker holds.
 */

/** The items without those whose key was there before. */
export function eachOnce<Item>(items: readonly Item[], keyOf: (item: Item) => unknown): Item[] {
  const seen = new Set<unknown>()
  return items.filter(item => {
    const before = seen.size
    return seen.add(keyOf(item)).size > before
  })
}

/** Names that are there more than once. */
export function repeats(names: readonly string[]): Set<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const name of names) (seen.has(name) ? twice : seen).add(name)
  return twice
}

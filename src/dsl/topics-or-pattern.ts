/** What a source reads, as the nodes have it. */
export function topicsOrPattern(topics: string | readonly string[] | RegExp): {
  readonly topics: readonly string[]
  readonly pattern?: RegExp
} {
  if (topics instanceof RegExp) return { topics: [], pattern: topics }
  return { topics: typeof topics === 'string' ? [topics] : Object.freeze([...topics]) }
}

/**
 * Distinct strings in the order in which Java's HashMap gives them out: by bucket, and within a bucket by insertion.
 * (Buckets of eight or more become trees in Java; so many names in one bucket do not occur.)
 */
export function hashOrder(strings: readonly string[]): string[] {
  const distinct = [...new Set(strings)]
  let buckets = 16
  while (distinct.length > buckets * 0.75) buckets *= 2
  return distinct
    .map(text => ({ text, bucket: hash(text) & (buckets - 1) }))
    .sort((one, two) => one.bucket - two.bucket)
    .map(({ text }) => text)
}

/** `String#hashCode`, spread as `HashMap` does. */
function hash(text: string): number {
  let code = 0
  for (let at = 0; at < text.length; at++) code = (Math.imul(31, code) + text.charCodeAt(at)) | 0
  return code ^ (code >>> 16)
}

/** Upper bounds of the buckets, in milliseconds; one more bucket takes the rest. */
export const bucketBoundsMs = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000]

/** How long something took, many times over: plain numbers, so that counting costs next to nothing. */
export interface Histogram {
  /** Cases by bucket, not cumulative. */
  readonly buckets: Float64Array
  sumMs: number
}

export function newHistogram(): Histogram {
  return { buckets: new Float64Array(bucketBoundsMs.length + 1), sumMs: 0 }
}

export function observe(histogram: Histogram, durationMs: number): void {
  let bucket = 0
  while (durationMs > (bucketBoundsMs[bucket] ?? Infinity)) bucket += 1
  histogram.buckets[bucket] = (histogram.buckets[bucket] ?? 0) + 1
  histogram.sumMs += durationMs
}

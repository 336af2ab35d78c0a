/**
 * Counters of one application instance since it started.
 */
export interface ApplicationMetrics {
  /** Records taken from the topics that come from outside; those read back from repartition topics are not in it. */
  readonly processed: number
  /** Records written to output topics; those of repartition topics and changelogs are not in it. */
  readonly emitted: number
  /** Records that an operator refused, such as late ones. Kafka Streams' `dropped-records-total`. */
  readonly dropped: number
  readonly commits: number
  /** Changelog records read to rebuild stores. */
  readonly restored: number
}

/** The same, for the one place that counts. */
export type Counters = { -readonly [Name in keyof ApplicationMetrics]: ApplicationMetrics[Name] }

export function newCounters(): Counters {
  return { processed: 0, emitted: 0, dropped: 0, commits: 0, restored: 0 }
}

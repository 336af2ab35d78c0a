import type { ClusterMetadata } from './cluster-metadata.ts'

/**
 * Asks for the leaders of topics in the background, one question at a time: what comes up meanwhile is asked for again by
 * the caller, who looks at its partitions anew after each answer.
 */
export class LeaderLookup {
  readonly #cluster: ClusterMetadata
  readonly #answered: (topics: readonly string[], failure: unknown) => void
  #isAsking = false

  /** `answered` is called after each question, with the reason when nobody could be asked. */
  constructor(
    cluster: ClusterMetadata,
    answered: (topics: readonly string[], failure: unknown) => void,
  ) {
    this.#cluster = cluster
    this.#answered = answered
  }

  async ask(topics: readonly string[]): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    let failure: unknown
    try {
      await this.#cluster.learn(topics)
    } catch (error) {
      failure = error
    }
    this.#isAsking = false
    this.#answered(topics, failure)
  }
}

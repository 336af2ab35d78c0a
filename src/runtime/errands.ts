/**
 * What comes from outside (the group, a bounded run, closing) while a loop is at work: it is put in a queue here, and the
 * loop does it when it comes by, so nothing else happens meanwhile.
 */
export class Errands {
  readonly #wake: () => void
  readonly #queue: Errand[] = []
  #ended = false

  /** `wake` is called when there is something to do. */
  constructor(wake: () => void) {
    this.#wake = wake
  }

  /** Resolves when it is done, has failed, or will not be done any more: a failure is the loop's, not the caller's. */
  add(action: () => Promise<void>): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise(done => {
      this.#queue.push({ action, done })
      this.#wake()
    })
  }

  /** Does all of them in their order, up to the first that fails, which rejects. */
  async run(): Promise<void> {
    for (let errand = this.#queue.shift(); errand !== undefined; errand = this.#queue.shift()) {
      try {
        await errand.action()
      } finally {
        errand.done()
      }
    }
  }

  /** The loop comes by no more. */
  end(): void {
    this.#ended = true
    for (const { done } of this.#queue.splice(0)) done()
  }
}

interface Errand {
  readonly action: () => Promise<void>
  readonly done: () => void
}

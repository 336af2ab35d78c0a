/**
 * Which leader epoch wrote from which offset on (Kafka: LeaderEpochFileCache), and its file `leader-epoch-checkpoint` in
 * Kafka's text format: version 0, number of entries, then `epoch startOffset` a line. Followers will compare their log
 * with the leader's by it; here it also covers the epoch in each batch header, which the CRC leaves out.
 */
export interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

export class LeaderEpochs {
  /** There is something that the file does not have; whoever writes the file clears it. */
  isChanged = false
  #starts: EpochStart[]

  constructor(starts: readonly EpochStart[] = []) {
    this.#starts = [...starts]
  }

  get starts(): readonly EpochStart[] {
    return this.#starts
  }

  get latest(): number {
    return this.#starts.at(-1)?.epoch ?? -1
  }

  /** Notes that the epoch writes from `offset` on, if that is new. */
  assign(epoch: number, offset: number): void {
    if (epoch <= this.latest) return
    this.#starts.push({ epoch, startOffset: offset })
    this.isChanged = true
  }

  /**
   * The epoch in which the offset was written. Below the first start it is that of the first, which may begin inside
   * a batch after records were deleted; -1 when nothing is known.
   */
  epochAt(offset: number): number {
    for (let n = this.#starts.length - 1; n >= 0; n--) {
      const start = this.#starts[n]
      if (start !== undefined && start.startOffset <= offset) return start.epoch
    }
    return this.#starts[0]?.epoch ?? -1
  }

  /**
   * The largest epoch at or below the one asked for, and the offset at which the next one begins; both -1 when the epoch
   * is later than `current`, in which this node leads. That one begins at the end of the log as long as nothing is written in
   * it, and epochs in which nothing was written end where they began: clients are told of them too and ask for them.
   * (Kafka: LeaderEpochFileCache.endOffsetFor; Partition.makeLeader, which notes the epoch before anything is written.)
   */
  endOffset(epoch: number, logEnd: number, current: number): { epoch: number; endOffset: number } {
    if (epoch > current) return { epoch: -1, endOffset: -1 }
    if (epoch === current) return { epoch, endOffset: logEnd }
    const next = this.#starts.findIndex(start => start.epoch > epoch)
    const before = next < 0 ? this.#starts.at(-1) : this.#starts[next - 1]
    return { epoch: before?.epoch ?? epoch, endOffset: this.#starts[next]?.startOffset ?? logEnd }
  }

  /** Forgets what begins at or after the offset. */
  truncateFromEnd(offset: number): void {
    const kept = this.#starts.filter(start => start.startOffset < offset)
    if (kept.length < this.#starts.length) this.isChanged = true
    this.#starts = kept
  }

  /** Forgets the epochs that end at or before the offset; the one that holds it then begins there. */
  truncateFromStart(offset: number): void {
    const first = this.#starts[0]
    if (first === undefined || first.startOffset >= offset) return
    const later = this.#starts.filter(start => start.startOffset > offset)
    this.#starts = [{ epoch: this.epochAt(offset), startOffset: offset }, ...later]
    this.isChanged = true
  }

  encode(): Buffer {
    const lines = this.#starts.map(({ epoch, startOffset }) => `${epoch} ${startOffset}\n`)
    return Buffer.from(`0\n${lines.length}\n${lines.join('')}`)
  }
}

/** Reads the file's content; undefined when it is not one. */
export function decodeLeaderEpochs(content: Buffer): LeaderEpochs | undefined {
  const [version, count, ...lines] = content.toString('latin1').trimEnd().split('\n')
  if (version !== '0' || Number(count) !== lines.length) return undefined
  const starts: EpochStart[] = []
  for (const line of lines) {
    const [epoch, startOffset] = /^\d+ \d+$/.test(line) ? line.split(' ').map(Number) : []
    const before = starts.at(-1)
    if (epoch === undefined || startOffset === undefined) return undefined
    if (before !== undefined && (epoch <= before.epoch || startOffset <= before.startOffset))
      return undefined
    starts.push({ epoch, startOffset })
  }
  return new LeaderEpochs(starts)
}

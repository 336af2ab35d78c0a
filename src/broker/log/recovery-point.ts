import path from 'node:path'
import { type AbortedSeal, type Checkpoint, checksumOf, encodeCheckpoint } from './checkpoint.ts'
import { checkpointFile, leaderEpochFile, offsetsOf, segmentPath } from './file-names.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { encodeSnapshot } from './producer-snapshot.ts'
import type { ProducerState } from './producer-state.ts'
import type { LogFolder, RecoveredLog } from './recovery.ts'
import type { Segment } from './segment.ts'

/**
 * The files beside the segments: leader epochs, producer snapshots and the checkpoint. They are written in this order,
 * each durable before the next, because the checkpoint says of the others that they can be relied on.
 */
export class RecoveryPoint {
  /** What the file says. */
  checkpoint: Checkpoint
  readonly #log: LogFolder
  readonly #epochs: LeaderEpochs
  readonly #producers: ProducerState
  /** Checksums of what is stored. */
  #epochsChecksum: string
  readonly #sealedSnapshots: Map<number, string>
  #snapshots: { readonly offset: number; readonly content: Buffer }[] = []

  constructor(log: LogFolder, recovered: RecoveredLog) {
    const { checkpoint, epochs, producers, sealedSnapshots } = recovered
    this.checkpoint = checkpoint
    this.#log = log
    this.#epochs = epochs
    this.#producers = producers
    this.#epochsChecksum = checksumOf(epochs.encode())
    this.#sealedSnapshots = new Map(sealedSnapshots)
  }

  /** Notes the producers as they are now, when the log ends at `offset`; `save` writes what was noted. */
  noteProducers(offset: number): void {
    if (this.#snapshots.at(-1)?.offset === offset) return
    this.#snapshots.push({ offset, content: encodeSnapshot(this.#producers) })
  }

  /**
   * Takes the recovery point to where the producers were last noted. Everything below must be durable, the indexes of
   * `segments` included.
   */
  async save(checkpoint: Checkpoint, segments: readonly Segment[]): Promise<void> {
    const { files, folder } = this.#log
    const snapshots = this.#snapshots.filter(({ offset }) => offset <= checkpoint.recoveryPoint)
    this.#snapshots = this.#snapshots.slice(snapshots.length)
    await this.saveEpochs()
    if (isSame(checkpoint, this.checkpoint)) return
    for (const { offset, content } of snapshots) {
      await files.replace(segmentPath(folder, offset, 'snapshot'), content)
      this.#sealedSnapshots.set(offset, checksumOf(content))
    }
    await this.saveCheckpoint(checkpoint, segments)
    // A snapshot at the start of a segment is where a truncation begins; of the others the newest is enough.
    const needed = new Set(segments.map(segment => segment.baseOffset))
    this.#removeSnapshots(offset => offset < checkpoint.recoveryPoint && !needed.has(offset))
  }

  async saveEpochs(): Promise<void> {
    if (!this.#epochs.isChanged) return
    this.#epochs.isChanged = false
    const content = this.#epochs.encode()
    try {
      await this.#log.files.replace(path.join(this.#log.folder, leaderEpochFile), content)
      this.#epochsChecksum = checksumOf(content)
    } catch (error) {
      this.#epochs.isChanged = true
      throw error
    }
  }

  async saveCheckpoint(checkpoint: Checkpoint, segments: readonly Segment[]): Promise<void> {
    const { files, folder } = this.#log
    const aborted = new Map<number, AbortedSeal>()
    for (const segment of segments) {
      const seal = segment.aborted.sealBelow(checkpoint.recoveryPoint)
      if (seal.count > 0) aborted.set(segment.baseOffset, seal)
    }
    const content = encodeCheckpoint(checkpoint, {
      leaderEpochs: this.#epochsChecksum,
      snapshots: this.#sealedSnapshots,
      aborted,
    })
    await files.replace(path.join(folder, checkpointFile), content)
    this.checkpoint = checkpoint
  }

  /** Forgets the snapshots above the offset. */
  truncate(offset: number): void {
    this.#snapshots = []
    this.#removeSnapshots(at => at > offset)
  }

  #removeSnapshots(isMeant: (offset: number) => boolean): void {
    const { files, folder } = this.#log
    for (const offset of offsetsOf(files.list(folder), 'snapshot')) {
      if (!isMeant(offset)) continue
      files.remove(segmentPath(folder, offset, 'snapshot'))
      this.#sealedSnapshots.delete(offset)
    }
  }
}

function isSame(a: Checkpoint, b: Checkpoint): boolean {
  return (
    a.recoveryPoint === b.recoveryPoint &&
    a.segment === b.segment &&
    a.startOffset === b.startOffset
  )
}

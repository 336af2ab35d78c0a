import path from 'node:path'
import { encodeCheckpoint, type Checkpoint } from './checkpoint.ts'
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
  /** Content of the file of leader epochs. */
  #savedEpochs: Buffer
  #snapshots: { readonly offset: number; readonly content: Buffer }[] = []

  constructor(log: LogFolder, { checkpoint, epochs, producers }: RecoveredLog) {
    this.checkpoint = checkpoint
    this.#log = log
    this.#epochs = epochs
    this.#producers = producers
    this.#savedEpochs = epochs.encode()
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
    }
    await this.saveCheckpoint(checkpoint)
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
      this.#savedEpochs = content
    } catch (error) {
      this.#epochs.isChanged = true
      throw error
    }
  }

  async saveCheckpoint(checkpoint: Checkpoint): Promise<void> {
    const file = path.join(this.#log.folder, checkpointFile)
    await this.#log.files.replace(file, encodeCheckpoint(checkpoint, this.#savedEpochs))
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
      if (isMeant(offset)) files.remove(segmentPath(folder, offset, 'snapshot'))
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

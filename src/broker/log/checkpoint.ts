/**
 * The file `partition.checkpoint`, Millrace's own: what must be known before the log itself is read. Kafka keeps the
 * same numbers per data folder (`recovery-point-offset-checkpoint`, `log-start-offset-checkpoint`); here they are per
 * partition, so that partitions do not wait for each other. Text, like Kafka's:
 *
 *     0                        version: a reader refuses others
 *     recoveryPoint 1200       everything below is durable, and so are the indexes and epochs of it
 *     segment 900              first offset of the newest segment then
 *     position 65536           where in it the recovery point is
 *     startOffset 0            first offset that readers may see
 *     leaderEpochs 5e6f7a8b    checksum of the file of leader epochs, which in Kafka's format has none
 *     snapshot 900 0b1c2d3e    checksum of the snapshot of producers at offset 900
 *     aborted 900 3 4f5a6b7c   entries of the index of aborted transactions of segment 900, and their checksum
 *     crc32c 1a2b3c4d          of all lines above
 *
 * A clean stop leaves the recovery point at the end of the log: the file is then exactly as long as `position`
 * says, and there is nothing to recover. A missing or damaged checkpoint costs time, not data: all is scanned.
 */
import { crc32c } from '../../protocol/crc32c.ts'

export interface Checkpoint {
  readonly recoveryPoint: number
  readonly segment: number
  readonly position: number
  readonly startOffset: number
}

/** What the files beside the segments are that the checkpoint relies on: Kafka's formats do not tell when they are others. */
export interface Seals {
  readonly leaderEpochs: string
  /** By offset. */
  readonly snapshots: ReadonlyMap<number, string>
  /** By base offset of the segment. */
  readonly aborted: ReadonlyMap<number, AbortedSeal>
}

/** Of the entries at the beginning of the file; later ones came after the checkpoint. */
export interface AbortedSeal {
  readonly count: number
  readonly checksum: string
}

export interface CheckpointFile {
  readonly checkpoint: Checkpoint
  /** Undefined in a log of an earlier release. */
  readonly seals: Seals | undefined
}

export function encodeCheckpoint(checkpoint: Checkpoint, seals: Seals): Buffer {
  const { recoveryPoint, segment, position, startOffset } = checkpoint
  const lines = [
    '0',
    `recoveryPoint ${recoveryPoint}`,
    `segment ${segment}`,
    `position ${position}`,
    `startOffset ${startOffset}`,
    `leaderEpochs ${seals.leaderEpochs}`,
    ...[...seals.snapshots].map(([offset, checksum]) => `snapshot ${offset} ${checksum}`),
    ...[...seals.aborted].map(
      ([base, { count, checksum }]) => `aborted ${base} ${count} ${checksum}`,
    ),
  ]
  const text = `${lines.join('\n')}\n`
  return Buffer.from(`${text}crc32c ${checksumOf(Buffer.from(text))}\n`)
}

const numbers =
  /^0\nrecoveryPoint (\d+)\nsegment (\d+)\nposition (\d+)\nstartOffset (\d+)\n(?:leaderEpochs ([0-9a-f]{8})\n)?/

/** Undefined when the content is not a sound checkpoint. */
export function decodeCheckpoint(content: Buffer): CheckpointFile | undefined {
  const text = content.toString('latin1')
  const end = text.lastIndexOf('crc32c ')
  const match = numbers.exec(text)
  if (match === null || end < 0) return undefined
  if (text.slice(end) !== `crc32c ${checksumOf(content.subarray(0, end))}\n`) return undefined
  const [head, recoveryPoint, segment, position, startOffset, leaderEpochs] = match
  const snapshots = new Map<number, string>()
  const aborted = new Map<number, AbortedSeal>()
  for (const line of text.slice(head.length, end).split('\n')) {
    const [kind, offset, ...rest] = line.split(' ')
    const checksum = rest.at(-1) ?? ''
    if (kind === 'snapshot') snapshots.set(Number(offset), checksum)
    if (kind === 'aborted') aborted.set(Number(offset), { count: Number(rest[0]), checksum })
  }
  return {
    checkpoint: {
      recoveryPoint: Number(recoveryPoint),
      segment: Number(segment),
      position: Number(position),
      startOffset: Number(startOffset),
    },
    seals: leaderEpochs === undefined ? undefined : { leaderEpochs, snapshots, aborted },
  }
}

export function checksumOf(content: Buffer): string {
  return crc32c(content).toString(16).padStart(8, '0')
}

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

/** The file. A log of an earlier release has no `epochsChecksum`. */
export interface CheckpointFile {
  readonly checkpoint: Checkpoint
  readonly epochsChecksum: string | undefined
}

/** `epochs`: content of the file of leader epochs. */
export function encodeCheckpoint(checkpoint: Checkpoint, epochs: Buffer): Buffer {
  const { recoveryPoint, segment, position, startOffset } = checkpoint
  const text =
    `0\nrecoveryPoint ${recoveryPoint}\nsegment ${segment}\nposition ${position}\nstartOffset ${startOffset}\n` +
    `leaderEpochs ${checksumOf(epochs)}\n`
  return Buffer.from(`${text}crc32c ${checksumOf(Buffer.from(text))}\n`)
}

/** Undefined when the content is not a sound checkpoint. */
export function decodeCheckpoint(content: Buffer): CheckpointFile | undefined {
  const match =
    /^(0\nrecoveryPoint (\d+)\nsegment (\d+)\nposition (\d+)\nstartOffset (\d+)\n(?:leaderEpochs ([0-9a-f]{8})\n)?)crc32c ([0-9a-f]{8})\n$/.exec(
      content.toString('latin1'),
    )
  if (match === null || checksumOf(Buffer.from(match[1] ?? '')) !== match[7]) return undefined
  return {
    checkpoint: {
      recoveryPoint: Number(match[2]),
      segment: Number(match[3]),
      position: Number(match[4]),
      startOffset: Number(match[5]),
    },
    epochsChecksum: match[6],
  }
}

export function checksumOf(content: Buffer): string {
  return crc32c(content).toString(16).padStart(8, '0')
}

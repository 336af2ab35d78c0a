import { errorCode } from '../../protocol/error-codes.ts'
import type { Broker } from '../broker.ts'
import type { NewOffset } from '../coordinator/offset-writes.ts'

/** What a request asks to commit, and the answer to each of its partitions while it is being made. */
export interface CommittableOffsets {
  readonly offsets: readonly NewOffset[]
  readonly answers: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number; errorCode: number }[]
  }[]
}

/**
 * Sorts out the topics that the client may not read, the partitions that do not exist and those with metadata longer than `offsetMetadataMaxBytes`: they are
 * refused one by one, and the rest is committed together or not at all.
 */
export function committableOffsets(
  broker: Broker,
  mayRead: (topic: string) => boolean,
  topics: readonly {
    readonly name: string
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly committedOffset: number
      readonly committedLeaderEpoch: number
      readonly committedMetadata: string | null
    }[]
  }[],
): CommittableOffsets {
  const offsets: NewOffset[] = []
  const answers = topics.map(({ name, partitions }) => {
    const isReadable = mayRead(name)
    return {
      name,
      partitions: partitions.map(partition => {
        const { partitionIndex, committedOffset, committedLeaderEpoch } = partition
        const metadata = partition.committedMetadata ?? ''
        let code: number = errorCode.NONE
        if (!isReadable) code = errorCode.TOPIC_AUTHORIZATION_FAILED
        else if (broker.topics.partition(name, partitionIndex) === undefined) {
          code = errorCode.UNKNOWN_TOPIC_OR_PARTITION
        } else if (Buffer.byteLength(metadata) > broker.config.offsetMetadataMaxBytes) {
          code = errorCode.OFFSET_METADATA_TOO_LARGE
        } else {
          offsets.push({
            topic: name,
            partition: partitionIndex,
            offset: committedOffset,
            leaderEpoch: committedLeaderEpoch,
            metadata,
          })
        }
        return { partitionIndex, errorCode: code }
      }),
    }
  })
  return { offsets, answers }
}

/** The answers, with the outcome of the commit for the partitions that took part in it. */
export function committed(
  { answers }: CommittableOffsets,
  outcome: number,
): CommittableOffsets['answers'] {
  for (const { partitions } of answers) {
    for (const partition of partitions) {
      if (partition.errorCode === errorCode.NONE) partition.errorCode = outcome
    }
  }
  return answers
}

/** The answers when nothing is committed, whatever it was. */
export function refusedOffsets(
  topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number }[]
  }[],
  code: number,
): CommittableOffsets['answers'] {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
  }))
}

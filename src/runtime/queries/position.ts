import type { PartitionOffset } from '../../client/log-client.ts'

/**
 * How far stores go in the inputs of their tasks: by topic and partition, the offset of the last record that is reflected.
 * Kafka Streams' `Position`.
 */
export type Position = Readonly<Record<string, Readonly<Record<number, number>>>>

/** Of next offsets; inputs of which nothing was read are left out. */
export function positionOf(inputs: Iterable<PartitionOffset>): Position {
  const position: Record<string, Record<number, number>> = {}
  for (const { topic, partition, offset } of inputs) {
    if (offset > 0) (position[topic] ??= {})[partition] = offset - 1
  }
  return position
}

/** Of each partition the larger offset. */
export function mergePositions(positions: Iterable<Position>): Position {
  const merged: Record<string, Record<number, number>> = {}
  for (const position of positions) {
    for (const [topic, offsets] of Object.entries(position)) {
      const into = (merged[topic] ??= {})
      for (const [partition, offset] of Object.entries(offsets)) {
        into[Number(partition)] = Math.max(into[Number(partition)] ?? -1, offset)
      }
    }
  }
  return merged
}

/** Whether a task of that partition has reached what a bound says of its own partition; the others are no concern of it. */
export function isReached(bound: Position, position: Position, partition: number): boolean {
  return Object.entries(bound).every(([topic, offsets]) => {
    const wanted = offsets[partition]
    return wanted === undefined || (position[topic]?.[partition] ?? -1) >= wanted
  })
}

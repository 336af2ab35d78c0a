import type { PartitionOffset, TopicPartition } from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import type { StoreDatabase, WriteOperation } from './store-engine.ts'
import { isIntact, newRow, rowTimestamp, rowValue, sealRow } from './stored-row.ts'
import { taskCorrupted } from './task-corrupted.ts'
import { checkWrites, writeSlots } from './write-numbers.ts'

/**
 * What a task's database says about itself, in rows that begin with a zero byte (those of stores begin with the length of
 * a name, which is at least 1), written in the same batch as the rows they speak of:
 *
 *     0 0                          the marker: format, the boot of the machine it was opened in last
 *     0 1 partition int32, topic   the checkpoint: next offset of a topic to be applied to the stores
 *     0 2 store                    largest time put into the store so far
 *     0 3 slot int32               number of a write
 *     0 4 partition int32, topic   the position: next offset of an input of the task that the stores do not reflect
 */
export interface TaskMetadata {
  readonly marker: Marker | null
  readonly checkpoints: ReadonlyMap<string, number>
  readonly observedTimes: ReadonlyMap<string, number>
  readonly position: ReadonlyMap<string, PartitionOffset>
  /** Number of the last write, and whether one before it is missing: see `write-numbers.ts`. */
  readonly lastWrite: number
  readonly hasGap: boolean
}

export interface Marker {
  /** Layout of the database. Raise it with any change to what stands on disk: other formats are restored. */
  readonly format: number
  readonly bootId: string
}

export const databaseFormat = 2

export const emptyMetadata: TaskMetadata = {
  marker: null,
  checkpoints: new Map(),
  observedTimes: new Map(),
  position: new Map(),
  lastWrite: 0,
  hasGap: false,
}

export async function readTaskMetadata(
  database: StoreDatabase,
  taskId: string,
): Promise<TaskMetadata> {
  let marker: Marker | null = null
  const checkpoints = new Map<string, number>()
  const observedTimes = new Map<string, number>()
  const position = new Map<string, PartitionOffset>()
  const writes: number[] = []
  for await (const [key, row] of database.entries({ from: rowKey(0), to: Buffer.from([1]) })) {
    if (!isIntact(key, row)) {
      const reason = 'the checksum of its metadata does not match'
      throw taskCorrupted(`The database of task ${taskId}`, reason)
    }
    switch (key[1]) {
      case 0:
        marker = parseMarker(rowValue(row))
        break
      case 1:
        checkpoints.set(partitionName(partitionIn(key)), rowTimestamp(row))
        break
      case 2:
        observedTimes.set(key.toString('utf8', 2), rowTimestamp(row))
        break
      case 3:
        writes.push(rowTimestamp(row))
        break
      case 4: {
        const partition = partitionIn(key)
        position.set(partitionName(partition), { ...partition, offset: rowTimestamp(row) })
      }
    }
  }
  return { marker, checkpoints, observedTimes, position, ...checkWrites(writes) }
}

export function markerOperation(bootId: string): WriteOperation {
  const marker: Marker = { format: databaseFormat, bootId }
  return operation(rowKey(0), newRow(Buffer.from(JSON.stringify(marker)), 0))
}

export const checkpointOperation = (offset: PartitionOffset): WriteOperation =>
  offsetOperation(1, offset)

export const positionOperation = (offset: PartitionOffset): WriteOperation =>
  offsetOperation(4, offset)

function offsetOperation(
  kind: number,
  { topic, partition, offset }: PartitionOffset,
): WriteOperation {
  const key = Buffer.alloc(6 + Buffer.byteLength(topic))
  key.writeUInt8(kind, 1)
  key.writeInt32BE(partition, 2)
  key.write(topic, 6)
  return operation(key, newRow(none, offset))
}

const partitionIn = (key: Buffer): TopicPartition => ({
  topic: key.toString('utf8', 6),
  partition: key.readInt32BE(2),
})

export function observedTimeOperation(store: string, time: number): WriteOperation {
  return operation(rowKey(2, Buffer.from(store)), newRow(none, time))
}

export function writeNumberOperation(write: number): WriteOperation {
  const key = Buffer.alloc(6)
  key.writeUInt8(3, 1)
  key.writeInt32BE(write % writeSlots, 2)
  return operation(key, newRow(none, write))
}

const none = Buffer.alloc(0)

const rowKey = (kind: number, name = none): Buffer => Buffer.concat([Buffer.from([0, kind]), name])

function operation(key: Buffer, row: Buffer): WriteOperation {
  sealRow(key, row)
  return { key, value: row }
}

function parseMarker(json: Buffer): Marker | null {
  const marker: unknown = JSON.parse(json.toString())
  return isMarker(marker) ? marker : null
}

const isMarker = (value: unknown): value is Marker =>
  typeof value === 'object' &&
  value !== null &&
  'format' in value &&
  typeof value.format === 'number' &&
  'bootId' in value &&
  typeof value.bootId === 'string'

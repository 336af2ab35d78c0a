import { expect, test } from 'vitest'

import {
  type ReadOnlyWindowStore,
  type SlidingWindows,
  type StreamsBuilder,
  type Windows,
  sessions,
  sessionWindowed,
  sliding,
  string,
  tumbling,
  unlimited,
  windowed,
} from '../../src/index.ts'
import { partitionForKey } from '../../src/protocol/murmur2.ts'
import { TestApplication, TestDriver } from '../../src/testing/index.ts'
import { partitionerFor } from '../../src/topology/partitioner.ts'

const strings = { key: string(), value: string() }

const counting =
  (windows: Windows | SlidingWindows) =>
  (builder: StreamsBuilder): void => {
    grouped(builder).windowedBy(windows).count({ store: 'counts' })
  }

const grouped = (builder: StreamsBuilder) => builder.stream('in', strings).groupByKey()

test('sliding windows without length fail with their first record, as in Kafka Streams', () => {
  const input = new TestDriver(counting(sliding(0))).inputTopic('in', strings)
  expect(() => input.pipe('a', 'x', { timestamp: 5 })).toThrow('time difference of 0 ms')
})

test('windows that never end do not close', () => {
  const topology = (builder: StreamsBuilder): void => {
    grouped(builder).windowedBy(unlimited()).emitStrategy('onWindowClose').count()
  }
  expect(() => new TestDriver(topology)).toThrow('which never close')
})

test.each([
  ['twice their time difference', sliding(10, { grace: 5 }), 24],
  ['their size', tumbling(10, { grace: 5 }), 14],
] as const)('a retention of less than %s and grace is refused', (sentence, windows, retention) => {
  const topology = (builder: StreamsBuilder): void => {
    const given: Windows | SlidingWindows = windows
    grouped(builder).windowedBy(given).count({ store: 'counts', retention })
  }
  expect(() => new TestDriver(topology)).toThrow(sentence)
})

test('so is one of less than gap and grace', () => {
  const topology = (builder: StreamsBuilder): void => {
    const windows = sessions(10, { grace: 5 })
    grouped(builder).windowedBy(windows).count({ store: 'counts', retention: 14 })
  }
  expect(() => new TestDriver(topology)).toThrow('their gap (10 ms) and grace (5 ms)')
})

test('a window that was closed before a restart is closed after it', async () => {
  await using application = await TestApplication.start(counting(tumbling(10)))
  const input = application.inputTopic('in', strings)
  input.pipe('a', 'x', { timestamp: 5 })
  // Late by the time of a window in which nothing was stored: no store could tell.
  input.pipe('a', 'x', { timestamp: 25 })
  await application.settle()
  await application.kill({ wipe: true })
  input.pipe('a', 'late', { timestamp: 15 })
  await application.settle()
  const counts = application.store<ReadOnlyWindowStore<string, number>>('counts')
  expect(counts.fetch('a', 10)).toBe(undefined)
  expect(application.droppedRecords).toBe(1)
})

test('all windows of a key go to the partition of the key', () => {
  const window = { start: 7, end: 17 }
  for (const serde of [windowed(string(), 10), sessionWindowed(string())]) {
    const { partitioner } = partitionerFor(serde, undefined)
    for (const key of ['a', 'b', 'c', 'd']) {
      const partition = partitionForKey(Buffer.from(key), 12)
      expect(partitioner?.({ key, window }, null, 12)).toBe(partition)
    }
  }
})

import { expect, test } from 'vitest'

import {
  type ReadOnlyWindowStore,
  type SlidingWindows,
  type StreamsBuilder,
  type Windows,
  long,
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

/** From one power of two to the next. */
const powers: Windows = {
  kind: 'time',
  sizeMs: 1024,
  graceMs: 0,
  firstStart: timestamp => (timestamp < 1 ? 0 : 2 ** Math.floor(Math.log2(timestamp))),
  nextStart: start => Math.max(1, start * 2),
  endOf: start => Math.max(1, start * 2),
  lastEnded: time => (time < 1 ? -1 : Math.floor(2 ** (Math.floor(Math.log2(time)) - 1))),
  windowsFor: timestamp => {
    const start = powers.firstStart(timestamp)
    return [{ start, end: powers.endOf(start) }]
  },
}

test('windows of fixed places may be anybody’s own', () => {
  const driver = new TestDriver(builder => {
    const windows = grouped(builder).windowedBy(powers)
    windows.count({ store: 'counts' })
    windows.emitStrategy('onWindowClose').count().toStream().to('finals')
  })
  const input = driver.inputTopic('in', strings)
  for (const timestamp of [0, 1, 2, 3, 4, 7, 9]) input.pipe('a', 'x', { timestamp })
  expect(driver.windowStore('counts').fetch('a', 4)).toEqual({ value: 2, timestamp: 7 })
  const finals = driver.outputTopic('finals', { key: windowed(string(), powers), value: long() })
  expect(
    finals.readAll().map(({ key, value }) => [key?.window.start, key?.window.end, value]),
  ).toEqual([
    [0, 1, 1],
    [1, 2, 1],
    [2, 4, 2],
    [4, 8, 2],
  ])
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

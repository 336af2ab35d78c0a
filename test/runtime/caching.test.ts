import { describe, expect, test } from 'vitest'

import { type Processor, type ProcessorContext, long, string } from '../../src/index.ts'
import { TestApplication, TestDriver } from '../../src/testing/index.ts'

const text = { key: string(), value: string() }
const counts = { key: string(), value: long() }
const cacheMaxBytes = 1_000_000

describe('updates that wait in caches', () => {
  test('go on with the commit, each task its own, as results of the records that caused them', async () => {
    const places: string[] = []
    const notePlace = (context: ProcessorContext<string, number>): Processor<string, number> => ({
      process(record) {
        const { topic, partition, offset } = context.recordMetadata ?? {}
        places.push(`${record.key} ${topic} ${partition} ${offset}`)
        context.forward(record)
      },
    })
    await using application = await TestApplication.start(
      b => {
        const table = b.stream('in', text).groupByKey().count({ store: 'counts' })
        table.toStream().process(notePlace).to('out', counts)
      },
      { cacheMaxBytes, partitions: 2 },
    )
    const input = application.inputTopic('in', text)
    input.pipe('a', '1', { timestamp: 30, partition: 0 })
    input.pipe('b', '1', { timestamp: 10, partition: 1 })
    input.pipe('a', '2', { timestamp: 20, partition: 0 })
    await application.process()
    expect(places).toEqual([])
    await application.commit()
    expect(places).toEqual(['a in 0 1', 'b in 1 0'])
    expect(application.outputTopic('out', counts).readAll()).toEqual([
      { key: 'a', value: 2, timestamp: 30, headers: [] },
      { key: 'b', value: 1, timestamp: 10, headers: [] },
    ])
  })

  test('are lost by a kill with everything that was not committed, and come again', async () => {
    await using application = await TestApplication.start(
      b => b.stream('in', text).groupByKey().count({ store: 'counts' }).toStream().to('out'),
      { cacheMaxBytes },
    )
    const input = application.inputTopic('in', text)
    input.pipe('a', '1')
    input.pipe('a', '2')
    await application.process()
    await application.kill()
    await application.settle()
    const output = application.outputTopic('out', counts)
    expect(output.readAll().map(({ value }) => value)).toEqual([2])
  })

  test('of punctuators go on with the commit after it, without a record that they came from', () => {
    const metadata: unknown[] = []
    const driver = new TestDriver(
      b => {
        const ticks = b.stream('in', text).process<string, string>(context => {
          context.schedule({ every: 10, type: 'wallClock' }, timestamp => {
            for (const value of ['x', 'y']) {
              context.forward({ key: 'tick', value, timestamp, headers: [] })
            }
          })
          return { process() {} }
        })
        const table = ticks
          .markAsPartitioned()
          .groupByKey(text)
          .count({ store: 'counts' })
          .toStream()
        table.process<string, number>(context => ({
          process(record) {
            metadata.push(context.recordMetadata)
            context.forward(record)
          },
        }))
        table.to('out', counts)
      },
      { cacheMaxBytes },
    )
    driver.advance(10)
    const results = driver.outputTopic('out', counts).readAll()
    expect(results.map(({ value, timestamp }) => [value, timestamp])).toEqual([[2, 10]])
    expect(metadata).toEqual([null])
  })

  test('go through a chain of tables within one commit', () => {
    const driver = new TestDriver(
      b => {
        const words = b.stream('in', text).flatMapValues(line => line.split(' '))
        const latest = words.toTable({ store: 'latest', ...text })
        const loud = latest.mapValues(word => `${word}!`, { store: 'loud', value: string() })
        const short = loud.filter((_, word) => word.length < 5, { store: 'short' })
        short.toStream().to('out', text)
      },
      { cacheMaxBytes },
    )
    driver.inputTopic('in', text).pipe('a', 'one two six')
    driver.inputTopic('in', text).pipe('a', 'one seven')
    const out = driver.outputTopic('out', text)
    expect(out.readAll().map(({ value }) => value)).toEqual(['six!', null])
    expect(driver.keyValueStore('loud').get('a')).toMatchObject({ value: 'seven!' })
  })

  test('fail the task where what follows from them fails, and nothing is committed', () => {
    const driver = new TestDriver(
      b => {
        const table = b.stream('in', text).groupByKey().count({ store: 'counts' }).toStream()
        table.foreach(() => {
          throw new Error('no counts, please')
        })
      },
      { cacheMaxBytes },
    )
    const input = driver.inputTopic('in', text)
    expect(() => input.pipe('a', '1')).toThrow('no counts, please')
    expect(() => input.pipe('a', '1')).toThrow('no counts, please')
  })

  test('do not wait where the table or the size says so', () => {
    const build = (driver: TestDriver): unknown[] => {
      driver.inputTopic('in', text).pipe('a', 'one two')
      return driver
        .outputTopic('out', counts)
        .readAll()
        .map(({ value }) => value)
    }
    const counting = (caching: boolean) =>
      new TestDriver(
        b => {
          const words = b.stream('in', text).flatMapValues(line => line.split(' '))
          words.groupByKey().count({ store: 'counts', caching }).toStream().to('out')
        },
        { cacheMaxBytes },
      )
    expect(build(counting(true))).toEqual([2])
    expect(build(counting(false))).toEqual([1, 2])
  })
})

test('a cache has no fraction of a byte, and none below 0', () => {
  for (const bytes of [-1, 0.5, NaN]) {
    expect(() => new TestDriver(b => b.stream('in', text), { cacheMaxBytes: bytes })).toThrow(
      /^cacheMaxBytes is /,
    )
  }
})

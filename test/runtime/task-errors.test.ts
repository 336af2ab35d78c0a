import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { KStream } from '../../src/dsl/kstream.ts'
import type { StreamsBuilder } from '../../src/dsl/streams-builder.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Serde } from '../../src/serde/serde.ts'
import { string } from '../../src/serde/string.ts'
import { TestDriver, type TestDriverOptions } from '../../src/testing/index.ts'
import {
  type ProcessingErrorContext,
  type ProductionErrorContext,
  logAndContinue,
} from '../../src/topology/exception-handlers.ts'
import { tumbling } from '../../src/windowing/time-windows.ts'

const text = { key: string(), value: string() }
const fussy: Serde<string> = {
  name: 'fussy',
  serialize(value) {
    if (value.startsWith('unsendable')) throw new Error(`cannot write ${value}`)
    return Buffer.from(value)
  },
  deserialize: bytes => bytes.toString(),
}

function throwOn<T>(value: T, bad: T): T {
  if (value === bad) throw new Error(`no ${String(bad)}`)
  return value
}

/** The values of a topic, and what the driver dropped, after these values were piped. */
function run(
  build: (builder: StreamsBuilder) => void,
  values: readonly (string | null)[],
  options: TestDriverOptions = {},
) {
  const driver = new TestDriver(build, options)
  for (const [timestamp, value] of values.entries()) {
    driver.inputTopic('in', text).pipe('a', value, { timestamp })
  }
  const produced = driver.readProduced()
  return {
    driver,
    produced,
    written: produced.map(({ topic, value }) => `${topic}: ${String(value)}`),
  }
}

describe('a processing handler', () => {
  test('is asked once about a call, of the node that failed, with the record it was given', () => {
    const asked: unknown[] = []
    const { written, driver } = run(
      builder =>
        builder
          .stream('in', text)
          .mapValues(value => `${value}?`, { name: 'ask' })
          .mapValues(value => throwOn(value, 'b?'), { name: 'refuse' })
          .to('out', text),
      ['a', 'b', 'c'],
      {
        processingExceptionHandler(error, context: ProcessingErrorContext) {
          const { deadLetters, ...rest } = context
          expect(deadLetters()).toEqual([])
          asked.push(error, rest)
          return 'continue'
        },
      },
    )
    expect(asked).toEqual([
      expect.objectContaining({ message: 'no b?' }),
      {
        topic: 'in',
        partition: 0,
        offset: 1,
        headers: [],
        timestamp: 1,
        nodeName: 'refuse',
        taskId: '0_0',
        sourceRawKey: Buffer.from('a'),
        sourceRawValue: Buffer.from('b'),
        record: { key: 'a', value: 'b?', timestamp: 1, headers: [] },
      },
    ])
    expect(written).toEqual(['out: a?', 'out: c?'])
    expect(driver.droppedRecords).toBe(1)
  })

  test('that says retry, where nothing can be sent again, stops the task', () => {
    const build = (builder: StreamsBuilder) =>
      builder
        .stream('in', text)
        .mapValues(value => throwOn(value, 'b'))
        .to('out', text)
    expect(() => run(build, ['b'], { processingExceptionHandler: () => 'retry' })).toThrow(
      expect.objectContaining({ code: 'PROCESSING_ERROR' }),
    )
  })

  test('is not asked about a bug or about stores that are damaged', () => {
    const bug = (builder: StreamsBuilder) =>
      builder
        .stream('in', text)
        .mapValues(value => {
          throw new MillraceError('TASK_CORRUPTED', `damaged by ${value}`)
        })
        .foreach(() => {})
    expect(() => run(bug, ['b'], { processingExceptionHandler: logAndContinue })).toThrow(
      expect.objectContaining({ code: 'TASK_CORRUPTED' }),
    )
  })

  test('decides about the node above a sink that failed, which gives up what it had not forwarded yet', () => {
    const build = (builder: StreamsBuilder) => {
      const mapped = builder.stream('in', text).mapValues(value => value)
      mapped.to('first', text)
      mapped.to('second', { key: string(), value: fussy })
      mapped.to('third', text)
    }
    const { written, driver } = run(build, ['a', 'unsendable'], {
      processingExceptionHandler: logAndContinue,
    })
    expect(written).toEqual(['first: a', 'second: a', 'third: a', 'first: unsendable'])
    expect(driver.droppedRecords).toBe(1)
  })

  test('is not asked about a sink right below a source', () => {
    const build = (builder: StreamsBuilder) =>
      builder.stream('in', text).to('out', { key: string(), value: fussy })
    expect(() =>
      run(build, ['unsendable'], { processingExceptionHandler: logAndContinue }),
    ).toThrow(
      expect.objectContaining({
        code: 'SERDE_ERROR',
        message:
          'The value of a record for topic out could not be written by the serde fussy of KSTREAM-SINK-0000000001: ' +
          'cannot write unsendable. Give the sink a serde for what the stream holds.',
      }),
    )
  })

  test('a tree of nodes of which any may fail gives what a naive walk over the tree gives', () => {
    interface Tree {
      readonly refuses: string
      readonly children: readonly Tree[]
    }
    const tree = fc.letrec<{ tree: Tree }>(tie => ({
      tree: fc.record({
        refuses: fc.constantFrom('', 'x', 'y', 'z'),
        children: fc.oneof(
          { maxDepth: 3 },
          fc.constant([]),
          fc.array(tie('tree'), { maxLength: 3 }),
        ),
      }),
    })).tree
    const word = fc.string({ unit: fc.constantFrom('x', 'y', 'z'), maxLength: 2 })
    const refuse = (value: string, refuses: string): string => {
      if (refuses !== '' && value.includes(refuses)) throw new Error('refused')
      return value
    }

    const naive = (value: string, node: Tree, path: string): [string[], number] => {
      if (node.refuses !== '' && value.includes(node.refuses)) return [[], 1]
      const own = [`out-${path}: ${value}`]
      const below = node.children.map((child, i) => naive(value, child, `${path}${i}`))
      return [
        [...own, ...below.flatMap(([lines]) => lines)],
        below.reduce((sum, [, dropped]) => sum + dropped, 0),
      ]
    }
    const grow = (stream: KStream<string, string>, node: Tree, path: string): void => {
      const mapped = stream.mapValues(value => refuse(value, node.refuses))
      mapped.to(`out-${path}`, text)
      node.children.forEach((child, i) => grow(mapped, child, `${path}${i}`))
    }
    fc.assert(
      fc.property(tree, fc.array(word, { maxLength: 6 }), (root, words) => {
        const { written, driver } = run(
          builder => grow(builder.stream('in', text), root, '0'),
          words,
          { processingExceptionHandler: logAndContinue },
        )
        const expected = words.map(value => naive(value, root, '0'))
        expect(written).toEqual(expected.flatMap(([lines]) => lines))
        expect(driver.droppedRecords).toBe(expected.reduce((sum, [, dropped]) => sum + dropped, 0))
      }),
      { numRuns: 300 },
    )
  })
})

describe('a production handler', () => {
  test('is told what could not be written, and leaves only that out', () => {
    const asked: unknown[] = []
    const { written } = run(
      builder => {
        const input = builder.stream('in', text)
        input.to('fussy', { key: string(), value: fussy })
        input.to('out', text)
      },
      ['unsendable'],
      {
        productionExceptionHandler(_, { origin, outputTopic, record }: ProductionErrorContext) {
          asked.push({ origin, outputTopic, value: record.value })
          return 'continue'
        },
      },
    )
    expect(asked).toEqual([{ origin: 'value', outputTopic: 'fussy', value: 'unsendable' }])
    expect(written).toEqual(['out: unsendable'])
  })
})

describe('records that operators drop', () => {
  const counting = (builder: StreamsBuilder) =>
    builder
      .stream('in', { ...text, timestamp: value => Number(value) })
      .groupByKey()
      .windowedBy(tumbling(10))
      .count({ store: 'counts', changelog: false })

  test('go to the dead letter topic by choice, once, with the reason', () => {
    const options = { deadLetterTopic: 'dead', deadLetterDroppedRecords: true }
    const { driver, written, produced } = run(counting, ['100', '5', '-1', '101'], options)
    expect(written).toEqual(['dead: 5', 'dead: -1'])
    expect(
      produced.map(({ headers }) => headers.map(({ key, value }) => [key, String(value)])),
    ).toEqual([
      [
        ['__streams.errors.exception', 'DroppedRecord'],
        ['__streams.errors.message', 'its window is closed'],
        ...place('in', 0, 1),
      ],
      [
        ['__streams.errors.exception', 'DroppedRecord'],
        ['__streams.errors.message', 'its extracted timestamp is -1'],
        ...place('in', 0, 2),
      ],
    ])
    expect(driver.droppedRecords).toBe(2)
  })

  test('do not without that choice', () => {
    const { written, driver } = run(counting, ['100', '5'], { deadLetterTopic: 'dead' })
    expect(written).toEqual([])
    expect(driver.droppedRecords).toBe(1)
  })

  test('cannot without a topic', () => {
    expect(() => new TestDriver(counting, { deadLetterDroppedRecords: true })).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringMatching(/Give a deadLetterTopic/),
      }),
    )
  })

  const place = (topic: string, partition: number, offset: number): [string, string][] => [
    ['__streams.errors.topic', topic],
    ['__streams.errors.partition', String(partition)],
    ['__streams.errors.offset', String(offset)],
  ]
})

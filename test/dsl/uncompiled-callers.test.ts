import { expect, test } from 'vitest'

import { StreamsBuilder, string, tumbling } from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'

/** Mistakes that do not compile, made by programs that were not compiled. */
const text = { key: string(), value: string() }

test('an emit strategy that there is not', () => {
  const windows = new StreamsBuilder().stream('in', text).groupByKey().windowedBy(tumbling(5))
  // @ts-expect-error It does not compile.
  expect(() => windows.emitStrategy('never')).toThrow(
    'The emit strategy "never" does not exist. Take onWindowUpdate or onWindowClose.',
  )
})

test('a clock that there is not', () => {
  const build = (builder: StreamsBuilder): void => {
    builder.stream('in', text).process(context => {
      // @ts-expect-error It does not compile.
      context.schedule({ every: 5, type: 'wall' }, () => {})
      return { process() {} }
    })
  }
  expect(() => new TestDriver(build)).toThrow(
    'is by the clock "wall". Give streamTime or wallClock.',
  )
})

test('two repartition topics of one name', () => {
  const builder = new StreamsBuilder()
  const words = builder.stream('words', text).selectKey((_, word) => word)
  const others = builder.stream('others', text).selectKey((_, word) => word)
  words
    .groupByKey(text)
    .cogroup<string>((_, word, all) => all + word)
    .cogroup(others.groupByKey(text), (_, word, all) => all + word)
    .aggregate(() => '', { store: 'all', ...text })
  expect(() => builder.build('app')).toThrow(
    'Two repartition topics are called all-repartition. Give each grouping and each join that needs one a name of its own',
  )
})

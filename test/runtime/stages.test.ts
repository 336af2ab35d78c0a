import { describe, expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import { stages, writtenTopics } from '../../src/runtime/stages.ts'
import { string } from '../../src/serde/string.ts'

const text = { key: string(), value: string() }

describe('stages', () => {
  test('writers come before readers, however they were declared', () => {
    const topology = defineApp('app', builder => {
      builder.stream('middle', text).to('end', text)
      builder.stream('begin', text).to('middle', text)
    }).compile()
    expect(stages(topology).map(({ id }) => id)).toEqual([1, 0])
    expect([...writtenTopics(topology)].sort()).toEqual(['end', 'middle'])
  })

  test('a cycle comes after what feeds it, and ends', () => {
    const topology = defineApp('app', builder => {
      builder.stream('ping', text).to('pong', text)
      builder.stream('pong', text).to('ping', text)
      builder.stream('begin', text).to('ping', text)
    }).compile()
    expect(stages(topology).map(({ id }) => id)).toEqual([2, 0, 1])
  })

  test('a table joined with what was grouped from it takes a round for each topic that leads back', () => {
    const topology = defineApp('app', builder => {
      const rows = builder.table('rows', text)
      const first = rows.groupBy((key, value) => [value, key], text).count()
      rows
        .join(first, value => value)
        .groupBy((key, value) => [value, key], text)
        .count()
    }).compile()
    expect(stages(topology).map(({ id }) => id)).toEqual([0, 1, 0, 1])
  })
})

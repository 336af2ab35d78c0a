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
})

import { describe, expect, test } from 'vitest'
import { workerLine } from '../../src/cli/worker-line.ts'

describe('workerLine', () => {
  const line = (
    text: string,
    format: 'text' | 'json',
    stream: 'stdout' | 'stderr' = 'stdout',
  ): string => workerLine({ worker: 2, stream, line: text, now: 5 }, format)

  test('for people', () => {
    expect(line('{"a":1}', 'text')).toBe('[worker 2] {"a":1}\n')
  })

  test('for collectors everything is JSON', () => {
    expect(line('{"level":"warn","message":"x"}', 'json')).toBe(
      '{"level":"warn","message":"x","worker":2}\n',
    )
    expect(line('{"broken', 'json')).toBe(
      '{"level":"info","time":5,"message":"{\\"broken","worker":2}\n',
    )
    expect(line('trace', 'json', 'stderr')).toBe(
      '{"level":"warn","time":5,"message":"trace","worker":2}\n',
    )
  })
})

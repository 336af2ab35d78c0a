import { PassThrough } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { workerLine } from '../../src/cli/worker-line.ts'
import { readLines } from '../../src/platform/node-child-process.ts'

describe('readLines', () => {
  test('gives whole lines however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }).map(text => text.replaceAll('\n', ' '))),
        fc.integer({ min: 1, max: 7 }),
        async (written, size) => {
          const bytes = Buffer.from(written.map(line => `${line}\n`).join(''))
          const stream = new PassThrough()
          const lines: string[] = []
          readLines(stream, line => lines.push(line))
          for (let at = 0; at < bytes.length; at += size)
            stream.write(bytes.subarray(at, at + size))
          stream.end()
          await new Promise(resolve => stream.once('close', resolve))
          expect(lines).toEqual(written)
        },
      ),
    )
  })

  test('gives what a killed process began to write, and cuts what never ends', async () => {
    const stream = new PassThrough()
    const lines: string[] = []
    readLines(stream, line => lines.push(line))
    stream.write('a\u2028b\n')
    stream.write('x'.repeat((1 << 20) + 1))
    stream.write('begun')
    stream.end()
    await new Promise(resolve => stream.once('close', resolve))
    expect(lines).toEqual(['a\u2028b', 'x'.repeat((1 << 20) + 1), 'begun'])
  })
})

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

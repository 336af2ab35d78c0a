import { expect, test } from 'vitest'
import { MillraceError, jsonLogger } from '../src/index.ts'

function linesOf(log: (logger: ReturnType<typeof jsonLogger>) => void): unknown[] {
  const lines: string[] = []
  log(
    jsonLogger(
      line => lines.push(line),
      () => 5,
    ),
  )
  return lines.map(line => JSON.parse(line))
}

test('an error in a line says what went wrong, down to its cause', () => {
  const cause = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  const error = new MillraceError('FILE_ERROR', 'The file could not be written.', { cause })
  expect(linesOf(logger => logger.error({ topic: 'in', error }, 'It fails.'))).toEqual([
    {
      level: 'error',
      time: 5,
      message: 'It fails.',
      topic: 'in',
      error: {
        name: 'MillraceError',
        code: 'FILE_ERROR',
        retriable: true,
        message: 'The file could not be written.',
        cause: {
          name: 'Error',
          code: 'ENOSPC',
          message: 'no space left on device',
          stack: expect.stringContaining('logger.test.ts'),
        },
      },
    },
  ])
})

test('a bigint does not break the line', () => {
  expect(linesOf(logger => logger.info({ producerId: 7n }, 'Here.'))).toMatchObject([
    { producerId: '7' },
  ])
})

import { expect, test } from 'vitest'
import { errorReport } from '../../src/cli/error-report.ts'
import { MillraceError } from '../../src/errors.ts'

const missing = new MillraceError('MISSING_TOPIC', 'There is no topic in.')
const full = new MillraceError('FILE_ERROR', 'The disk is full.')

/** Throws `error`, and `closing` when what is open is closed. */
async function failTwice(error: unknown, closing: unknown): Promise<never> {
  await using _ = {
    async [Symbol.asyncDispose]() {
      throw closing
    },
  }
  throw error
}

const caught = (promise: Promise<never>): Promise<unknown> =>
  promise.catch((error: unknown) => error)

test('an operating error is a sentence', () => {
  expect(errorReport(missing)).toEqual({
    text: 'error: There is no topic in. [MISSING_TOPIC]\n',
    exitCode: 2,
  })
})

test('what failed first is told first, and decides the exit code', async () => {
  const text =
    'error: The disk is full. [FILE_ERROR]\nerror: There is no topic in. [MISSING_TOPIC]\n'
  expect(errorReport(await caught(failTwice(full, missing)))).toEqual({ text, exitCode: 1 })
  expect(errorReport(await caught(failTwice(missing, full))).exitCode).toBe(2)
  const thrice = failTwice(await caught(failTwice(missing, full)), full)
  expect(errorReport(await caught(thrice)).text).toMatch(/^error: There is no topic/)
})

test('what is no operating error comes with its trace', () => {
  expect(errorReport(new TypeError('x is not a function')).text).toMatch(/TypeError: .*\n +at /)
})

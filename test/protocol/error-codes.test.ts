import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { errorCode, errorName, isRetriable } from '../../src/protocol/error-codes.ts'
import type { Untyped } from './untyped.ts'

const require = createRequire(import.meta.url)
const { errorCodes } = require('../../node_modules/kafkajs/src/protocol/error.js')

/** kafkajs is of 2023: these were renamed, or are retried by Kafka's own clients since. */
const renamed: Record<string, string> = {
  NOT_LEADER_FOR_PARTITION: 'NOT_LEADER_OR_FOLLOWER',
  GROUP_LOAD_IN_PROGRESS: 'COORDINATOR_LOAD_IN_PROGRESS',
  GROUP_COORDINATOR_NOT_AVAILABLE: 'COORDINATOR_NOT_AVAILABLE',
  NOT_COORDINATOR_FOR_GROUP: 'NOT_COORDINATOR',
  UNKNOWN: 'UNKNOWN_SERVER_ERROR',
}

test('numbers and names are those of kafkajs', () => {
  const names = new Map<number, string>(errorCodes.map((e: Untyped) => [e.code, e.type]))
  const shared = Object.entries(errorCode).filter(([, code]) => names.has(code))
  expect(shared.length).toBeGreaterThan(60)
  for (const [name, code] of shared) {
    const theirs = names.get(code) ?? ''
    expect(renamed[theirs] ?? theirs).toBe(name)
  }
})

test('codes have names and know whether to try again', () => {
  expect(errorName(errorCode.NOT_COORDINATOR)).toBe('NOT_COORDINATOR')
  expect(errorName(9999)).toBe('error 9999')
  expect(isRetriable(errorCode.NOT_LEADER_OR_FOLLOWER)).toBe(true)
  expect(isRetriable(errorCode.PRODUCER_FENCED)).toBe(false)
  expect(isRetriable(errorCode.NONE)).toBe(false)
})

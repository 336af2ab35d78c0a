import { expect, test } from 'vitest'

import { parseEndpoint } from '../../src/cli/options.ts'
import { workerEndpoint } from '../../src/cli/run-workers.ts'

test('each worker answers at a port of its own', () => {
  expect([1, 2, 3].map(worker => workerEndpoint('127.0.0.1:8080', worker))).toEqual([
    '127.0.0.1:8080',
    '127.0.0.1:8081',
    '127.0.0.1:8082',
  ])
  expect(workerEndpoint('[::1]:8080', 2)).toBe('[::1]:8081')
  expect(workerEndpoint('127.0.0.1:0', 2)).toBe('127.0.0.1:0')
  expect(workerEndpoint(undefined, 2)).toBeUndefined()
})

test('an endpoint is one host and port', () => {
  expect(parseEndpoint('localhost:8080')).toBe('localhost:8080')
  for (const wrong of ['8080', 'localhost', 'a:1,b:2', 'a:99999']) {
    expect(() => parseEndpoint(wrong)).toThrow('host:port')
  }
})

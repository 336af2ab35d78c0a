/** What librdkafka must be able to do against `millrace broker`: the checks of python/checks.py. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrokerProcess, startBrokerProcess } from '../torture/broker-process.ts'
import { hasPython, startPython } from './clients.ts'

if (hasPython()) {
  const python = startPython()
  const checks = (await python.ask('list')).output.split('\n')

  describe('librdkafka through its Python binding', () => {
    const data = mkdtempSync(join(tmpdir(), 'millrace-interop-'))
    let broker: BrokerProcess

    beforeAll(async () => {
      broker = await startBrokerProcess(data, 0)
    })

    afterAll(async () => {
      await python[Symbol.asyncDispose]()
      await broker.kill()
      rmSync(data, { recursive: true, force: true })
    })

    test.each(checks)('%s', async check => {
      const { code, errors } = await python.ask('check', check, broker.bootstrap, '{}')
      expect(errors).toBe('')
      expect(code).toBe(0)
    })
  })
}

/** What the Java clients of Apache Kafka, old and new, must be able to do against `millrace broker`: the checks of java/src. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrokerProcess, startBrokerProcess } from '../torture/broker-process.ts'
import { hasKafka, kafkaVersions, startJava } from './clients.ts'

for (const version of kafkaVersions.filter(hasKafka)) {
  const java = startJava(version)
  const checks = (await java.ask('list')).output.split('\n')

  describe(`the Java clients of Apache Kafka ${version}`, () => {
    const data = mkdtempSync(join(tmpdir(), 'millrace-interop-'))
    let broker: BrokerProcess

    beforeAll(async () => {
      broker = await startBrokerProcess(data, 0)
    })

    afterAll(async () => {
      await java[Symbol.asyncDispose]()
      await broker.kill()
      rmSync(data, { recursive: true, force: true })
    })

    test.each(checks)('%s', async check => {
      const { code, errors } = await java.ask('check', check, broker.bootstrap)
      expect(errors).toBe('')
      expect(code).toBe(0)
    })
  })
}

/**
 * The files of our data folder, read by Apache Kafka's DumpLogSegments: segments record by record, indexes against their
 * segments, aborted transactions, producers, and the records of `__consumer_offsets` and `__transaction_state`. The broker
 * was killed once while a transaction was open, and then stopped in order.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBrokerProcess } from '../torture/broker-process.ts'
import { hasKafka, kafkaVersions, startJava } from './clients.ts'
import type { ForeignProcess } from './foreign-process.ts'

/** What the tool says of files that are not as Kafka's are. */
const complaints =
  /mismatch|non-consecutive|out of order|not valid|isvalid: false|corrupt|exception|unknown|could not|error/i

/** Kafka 4.3 compares the first offset of every segment with -1, in Apache Kafka's own folders too. */
function withoutFirstOffsets(errors: string): string {
  return errors.replaceAll(
    /Non-consecutive offsets in \S+\/0*(\d+)\.log\n\s+-1 is followed by \1\n/g,
    '',
  )
}

for (const version of kafkaVersions.filter(hasKafka)) {
  describe(`DumpLogSegments of Apache Kafka ${version}`, () => {
    const data = mkdtempSync(join(tmpdir(), 'millrace-interop-'))
    let java: ForeignProcess

    beforeAll(async () => {
      java = startJava(version)
      let broker = await startBrokerProcess(data, 0)
      const run = async (...request: string[]): Promise<void> => {
        const { code, output, errors } = await java.ask(...request)
        expect(code, output + errors).toBe(0)
      }
      const check = (name: string): Promise<void> => run('check', name, broker.bootstrap)
      const settings = ['segment.bytes=1048576', 'index.interval.bytes=512']
      const to = ['--bootstrap-server', broker.bootstrap]
      await run(
        'tool',
        'TopicCommand',
        '',
        ...to,
        '--create',
        '--topic',
        'rolled',
        ...settings.flatMap(setting => ['--config', setting]),
      )
      const load = ['--num-records', '40000', '--record-size', '100', '--throughput', '-1']
      await run(
        'tool',
        'ProducerPerformance',
        '',
        '--topic',
        'rolled',
        ...load,
        '--producer-props',
        `bootstrap.servers=${broker.bootstrap}`,
      )
      await check('ProduceChecks.everyCodecWithEveryAcks')
      await check('TransactionChecks.manyInterleavedTransactions')
      await check('TransactionChecks.aTransactionThatTakesTooLongIsAborted')
      await broker.kill()
      broker = await startBrokerProcess(data, 0)
      await check('TransactionChecks.offsetsAreCommittedWithTheTransactionOrNotAtAll')
      await check('GroupChecks.eagerMembersComeAndGo')
      await broker.stop()
    })

    afterAll(async () => {
      await java[Symbol.asyncDispose]()
      rmSync(data, { recursive: true, force: true })
    })

    function files(ending: string): string[] {
      return readdirSync(data, { recursive: true, encoding: 'utf8' })
        .filter(name => name.endsWith(ending))
        .map(name => join(data, name))
    }

    async function dump(paths: readonly string[], ...args: string[]): Promise<string> {
      expect(paths.length).toBeGreaterThan(0)
      const { code, output, errors } = await java.ask(
        'tool',
        'DumpLogSegments',
        '',
        '--files',
        paths.join(','),
        ...args,
      )
      expect({ code, errors: withoutFirstOffsets(errors) }).toEqual({ code: 0, errors: '' })
      expect(output.split('\n').filter(line => complaints.test(line))).toEqual([])
      return output
    }

    test('segments, record by record', async () => {
      const output = await dump(files('.log'), '--deep-iteration', '--print-data-log')
      for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'])
        expect(output).toContain(`compresscodec: ${codec}`)
      expect(output).toMatch(/endTxnMarker: ABORT coordinatorEpoch: \d+/)
      expect(output).toMatch(/endTxnMarker: COMMIT coordinatorEpoch: \d+/)
    })

    test.each(['.index', '.timeindex'])('%s files agree with their segments', async ending => {
      const paths = files(ending)
      expect(paths.filter(path => path.includes('rolled-0')).length).toBeGreaterThan(2)
      await dump(paths)
      expect(await dump(paths, '--index-sanity-check')).toContain('passed sanity check')
    })

    test('aborted transactions and producers', async () => {
      expect(await dump(files('.txnindex'))).toMatch(
        /version: 0 producerId: \d+ firstOffset: \d+ lastOffset: \d+ lastStableOffset: \d+/,
      )
      expect(await dump(files('.snapshot'))).toMatch(
        /producerId: \d+ producerEpoch: \d+ coordinatorEpoch: -?\d+ currentTxnFirstOffset: /,
      )
    })

    test('committed offsets', async () => {
      const paths = files('.log').filter(path => path.includes('__consumer_offsets-'))
      const output = await dump(paths, '--offsets-decoder')
      expect(output).toMatch(/"group":"group-/)
      expect(output).toMatch(/"protocol":"range"/)
    })

    test('the state of transactions', async () => {
      const paths = files('.log').filter(path => path.includes('__transaction_state-'))
      const output = await dump(paths, '--transaction-log-decoder')
      expect(output).toMatch(/"?transactionalId"?[:=]"?id-/)
    })
  })
}

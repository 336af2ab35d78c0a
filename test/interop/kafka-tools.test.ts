/** Apache Kafka's own commands, old and new, at work on `millrace broker`. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrokerProcess, startBrokerProcess } from '../torture/broker-process.ts'
import { hasKafka, javaArguments, kafkaVersions, startJava } from './clients.ts'
import type { ForeignProcess } from './foreign-process.ts'

for (const version of kafkaVersions.filter(hasKafka)) {
  describe(`the tools of Apache Kafka ${version}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-interop-'))
    let broker: BrokerProcess
    let java: ForeignProcess

    beforeAll(async () => {
      java = startJava(version)
      broker = await startBrokerProcess(join(folder, 'data'), 0)
    })

    afterAll(async () => {
      await java[Symbol.asyncDispose]()
      await broker.kill()
      rmSync(folder, { recursive: true, force: true })
    })

    /** Runs a tool that must end well, and gives what it wrote. */
    async function tool(name: string, ...args: string[]): Promise<string> {
      return toolWithInput('', name, ...args)
    }

    async function toolWithInput(input: string, name: string, ...args: string[]): Promise<string> {
      const to = ['--bootstrap-server', broker.bootstrap]
      const { code, output, errors } = await java.ask('tool', name, input, ...to, ...args)
      expect({ code, output: code === 0 ? '' : output, errors }, name).toEqual({
        code: 0,
        output: '',
        errors: '',
      })
      return output
    }

    /** Writes lines to a topic, which comes into being. */
    async function produce(
      topic: string,
      lines: readonly string[],
      ...args: string[]
    ): Promise<void> {
      await toolWithInput(
        lines.map(line => `${line}\n`).join(''),
        'ConsoleProducer',
        '--topic',
        topic,
        ...args,
      )
    }

    async function consume(topic: string, count: number, ...args: string[]): Promise<string[]> {
      const all = ['--topic', topic, '--from-beginning', '--max-messages', String(count)]
      const { code, output } = await java.ask(
        'tool',
        'ConsoleConsumer',
        '',
        '--bootstrap-server',
        broker.bootstrap,
        ...all,
        ...args,
      )
      expect(code).toBe(0)
      return output.split('\n').filter(Boolean)
    }

    /** A file for a tool that reads one. */
    function file(name: string, content: string): string {
      const path = join(folder, name)
      writeFileSync(path, content)
      return path
    }

    test('TopicCommand creates, describes, grows, lists and deletes topics', async () => {
      const topic = ['--topic', 'made']
      const settings = ['--partitions', '2', '--config', 'retention.ms=60000']
      expect(await tool('TopicCommand', '--create', ...topic, ...settings)).toContain(
        'Created topic made',
      )
      await tool('TopicCommand', '--alter', ...topic, '--partitions', '3')
      const described = await tool('TopicCommand', '--describe', ...topic)
      expect(described).toMatch(
        /PartitionCount: 3\s+ReplicationFactor: 1\s+Configs:.*retention.ms=60000/,
      )
      expect(described).toMatch(/Partition: 2\s+Leader: 1\s+Replicas: 1\s+Isr: 1/)
      expect((await tool('TopicCommand', '--list')).split('\n')).toContain('made')
      await tool('TopicCommand', '--delete', ...topic)
      expect((await tool('TopicCommand', '--list')).split('\n')).not.toContain('made')
    })

    test('ConfigCommand shows and changes settings of topics and of the broker', async () => {
      await tool('TopicCommand', '--create', '--topic', 'set')
      const entity = ['--entity-type', 'topics', '--entity-name', 'set']
      await tool(
        'ConfigCommand',
        '--alter',
        ...entity,
        '--add-config',
        'retention.ms=5000,cleanup.policy=[compact,delete]',
      )
      const described = await tool('ConfigCommand', '--describe', ...entity)
      expect(described).toContain('retention.ms=5000')
      expect(described).toContain('cleanup.policy=compact,delete')
      await tool('ConfigCommand', '--alter', ...entity, '--delete-config', 'retention.ms')
      expect(await tool('ConfigCommand', '--describe', ...entity)).not.toContain(
        'retention.ms=5000',
      )
      const ofBroker = ['--entity-type', 'brokers', '--entity-name', '1', '--all']
      expect(await tool('ConfigCommand', '--describe', ...ofBroker)).toContain('num.partitions=1')
    })

    test('ConsoleProducer and ConsoleConsumer write and read keys, headers and values', async () => {
      const option = (what: string): string => (version < '4' ? '--property' : `--${what}-property`)
      const properties = [
        option('reader'),
        'parse.key=true',
        option('reader'),
        'parse.headers=true',
      ]
      await produce(
        'console',
        ['h1:v1,h2:v2\tkey\tvalue', 'h3:\tother\t'],
        ...properties,
        '--compression-codec',
        'zstd',
      )
      const shown = ['key', 'headers', 'offset'].flatMap(what => [
        option('formatter'),
        `print.${what}=true`,
      ])
      expect(await consume('console', 2, ...shown)).toEqual([
        'Offset:0\th1:v1,h2:v2\tkey\tvalue',
        'Offset:1\th3:\tother\t',
      ])
    })

    test('ConsumerGroupCommand lists, describes, resets and deletes groups', async () => {
      await produce('grouped', ['a', 'b', 'c', 'd'])
      expect(await consume('grouped', 4, '--group', 'readers')).toEqual(['a', 'b', 'c', 'd'])
      const group = ['--group', 'readers']
      expect((await tool('ConsumerGroupCommand', '--list')).split('\n')).toContain('readers')
      expect(await tool('ConsumerGroupCommand', '--list', '--state', 'empty')).toMatch(
        /readers\s.*Empty/,
      )
      const offsets = /readers\s+grouped\s+0\s+(\d+)\s+(\d+)\s+(\d+)/
      const described = await java.ask(
        'tool',
        'ConsumerGroupCommand',
        '',
        '--bootstrap-server',
        broker.bootstrap,
        '--describe',
        ...group,
      )
      expect(offsets.exec(described.output)?.slice(1)).toEqual(['4', '4', '0'])
      const reset = (...how: string[]): Promise<string> =>
        tool(
          'ConsumerGroupCommand',
          '--reset-offsets',
          ...group,
          '--topic',
          'grouped',
          '--execute',
          ...how,
        )
      expect(await reset('--to-earliest')).toMatch(/readers\s+grouped\s+0\s+0/)
      expect(await reset('--to-offset', '3')).toMatch(/readers\s+grouped\s+0\s+3/)
      expect(await reset('--shift-by', '-2')).toMatch(/readers\s+grouped\s+0\s+1/)
      expect(await reset('--to-datetime', '2000-01-01T00:00:00.000')).toMatch(
        /readers\s+grouped\s+0\s+0/,
      )
      expect(await reset('--to-latest')).toMatch(/readers\s+grouped\s+0\s+4/)
      expect(await reset('--from-file', file('offsets.csv', 'grouped,0,2\n'))).toMatch(
        /readers\s+grouped\s+0\s+2/,
      )
      expect(await consume('grouped', 2, ...group)).toEqual(['c', 'd'])
      await tool('ConsumerGroupCommand', '--delete-offsets', ...group, '--topic', 'grouped')
      await tool('ConsumerGroupCommand', '--delete', ...group)
      expect((await tool('ConsumerGroupCommand', '--list')).split('\n')).not.toContain('readers')
    })

    test('GetOffsetShell and DeleteRecordsCommand see and move the ends of a log', async () => {
      await produce('ends', ['a', 'b', 'c'])
      const offset = (time: string): Promise<string> =>
        tool('GetOffsetShell', '--topic', 'ends', '--time', time)
      expect(await offset('latest')).toBe('ends:0:3\n')
      expect(await offset('earliest')).toBe('ends:0:0\n')
      expect(await offset('max-timestamp')).toMatch(/^ends:0:[012]\n$/)
      const partitions = [{ topic: 'ends', partition: 0, offset: 2 }]
      const path = file('delete.json', JSON.stringify({ partitions, version: 1 }))
      await tool('DeleteRecordsCommand', '--offset-json-file', path)
      expect(await offset('earliest')).toBe('ends:0:2\n')
    })

    test('ProducerPerformance and ConsumerPerformance measure', async () => {
      const count = 20_000
      const produced = await java.ask(
        'tool',
        'ProducerPerformance',
        '',
        '--topic',
        'perf',
        '--num-records',
        String(count),
        '--record-size',
        '100',
        '--throughput',
        '-1',
        '--producer-props',
        `bootstrap.servers=${broker.bootstrap}`,
        'compression.type=lz4',
      )
      expect(produced.code).toBe(0)
      expect(produced.output).toContain(`${count} records sent`)
      const consumed = await tool(
        'ConsumerPerformance',
        '--topic',
        'perf',
        version < '4' ? '--messages' : '--num-records',
        String(count),
        '--timeout',
        '60000',
      )
      expect(Number(consumed.trim().split('\n').at(-1)?.split(', ')[4])).toBe(count)
    })

    test('VerifiableProducer and VerifiableConsumer agree', async () => {
      // They say what they did when their JVM ends.
      const alone = async (name: string, ...args: string[]): Promise<Record<string, unknown>[]> => {
        const main = `org.apache.kafka.tools.${name}`
        const to = [
          '--bootstrap-server',
          broker.bootstrap,
          '--topic',
          'verified',
          '--max-messages',
          '500',
        ]
        const { stdout } = await promisify(execFile)('java', [
          ...javaArguments(version),
          main,
          ...to,
          ...args,
        ])
        return stdout
          .trim()
          .split('\n')
          .map(line => JSON.parse(line) as Record<string, unknown>)
      }
      const produced = await alone('VerifiableProducer')
      expect(produced.at(-1)).toMatchObject({ name: 'tool_data', sent: 500, acked: 500 })
      const consumed = await alone(
        'VerifiableConsumer',
        '--group-id',
        'verifiers',
        '--reset-policy',
        'earliest',
      )
      const counts = consumed
        .filter(({ name }) => name === 'records_consumed')
        .map(({ count }) => Number(count))
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(500)
    })

    test('LogDirsCommand, LeaderElectionCommand and ReassignPartitionsCommand know one broker', async () => {
      await produce('placed', ['a'])
      const folders = await tool('LogDirsCommand', '--describe', '--topic-list', 'placed')
      const described = JSON.parse(
        folders.split('\n').find(line => line.startsWith('{')) ?? '',
      ) as {
        brokers: { logDirs: { partitions: { partition: string; size: number }[] }[] }[]
      }
      expect(described.brokers[0]?.logDirs[0]?.partitions[0]).toMatchObject({
        partition: 'placed-0',
      })
      await tool(
        'LeaderElectionCommand',
        '--election-type',
        'preferred',
        '--topic',
        'placed',
        '--partition',
        '0',
      )
      expect(await tool('ReassignPartitionsCommand', '--list')).toContain(
        'No partition reassignments found',
      )
    })

    test('TransactionalMessageCopier copies in transactions, TransactionsCommand looks at them', async () => {
      await produce(
        'source',
        Array.from({ length: 100 }, (_, i) => `m${i}`),
      )
      await tool('TopicCommand', '--create', '--topic', 'copy')
      const { code, output } = await java.ask(
        'tool',
        'TransactionalMessageCopier',
        '',
        '--broker-list',
        broker.bootstrap,
        '--input-topic',
        'source',
        '--input-partition',
        '0',
        '--output-topic',
        'copy',
        '--transactional-id',
        'copier',
        '--consumer-group',
        'copiers',
        '--transaction-size',
        '10',
        '--max-messages',
        '100',
        '--enable-random-aborts',
      )
      expect({ code, end: output.trim().split('\n').at(-1) }).toMatchObject({ code: 0 })
      expect(await consume('copy', 100, '--isolation-level', 'read_committed')).toEqual(
        Array.from({ length: 100 }, (_, i) => `m${i}`),
      )
      expect(await tool('TransactionsCommand', 'list')).toMatch(/copier\s+1\s+\d+\s+CompleteCommit/)
      expect(
        await tool('TransactionsCommand', 'describe', '--transactional-id', 'copier'),
      ).toContain('CompleteCommit')
      expect(
        await tool(
          'TransactionsCommand',
          'describe-producers',
          '--topic',
          'copy',
          '--partition',
          '0',
        ),
      ).toMatch(/^\d+\s+\d+\s+\d+\s+\d+\s+\d+\s+None/m)
      expect(await tool('TransactionsCommand', 'find-hanging', '--broker-id', '1')).toMatch(
        /^Topic\s+Partition\s.*\n$/,
      )
    })
  })
}

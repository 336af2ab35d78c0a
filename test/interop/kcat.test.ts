/**
 * kcat is librdkafka at the command line, written by nobody here. Where it is not installed these tests are skipped and say
 * so; on a CI machine its absence is a failure.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { hasKcat, kcat } from './kcat.ts'

test.runIf(process.env['CI'] !== undefined)('kcat is installed on a CI machine', () => {
  expect(hasKcat, 'install kcat: apt-get install -y kcat').toBe(true)
})

if (!hasKcat) process.stdout.write('kcat is not installed: the tests with it are skipped.\n')

describe.runIf(hasKcat)('kcat', () => {
  let broker: RunningBroker
  const run = (args: readonly string[], options?: Parameters<typeof kcat>[2]) =>
    kcat(broker.bootstrap, args, options)

  beforeAll(async () => {
    broker = await startBroker({ config: { numPartitions: 2 } })
  })

  afterAll(() => broker.close())

  async function produce(topic: string, input: string, ...args: string[]): Promise<void> {
    const { code, errors } = await run(['-P', '-t', topic, ...args], { input })
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
  }

  async function consume(topic: string, ...args: string[]): Promise<string[]> {
    const { code, output, errors } = await run(['-C', '-t', topic, '-e', '-q', ...args])
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    return output.split('\n').filter(Boolean)
  }

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'produces with %s and consumes what it produced',
    async codec => {
      const lines = Array.from({ length: 200 }, (_, i) => `${codec} ${i} ${'x'.repeat(i)}`)
      await produce(`codec-${codec}`, lines.join('\n'), '-z', codec, '-p', '0')
      expect(await consume(`codec-${codec}`, '-p', '0')).toEqual(lines)
    },
  )

  test('keys, headers, null values and partitions come back', async () => {
    await produce('full', 'k:v\n', '-K', ':', '-p', '1', '-H', 'a=1', '-H', 'b=2')
    await produce('full', 'n:\n', '-K', ':', '-Z', '-p', '1')
    const format = ['-f', '%t/%p/%o key=%k value=%s size=%S headers=%h\\n']
    expect(await consume('full', '-p', '1', ...format)).toEqual([
      'full/1/0 key=k value=v size=1 headers=a=1,b=2',
      'full/1/1 key=n value= size=-1 headers=',
    ])
  })

  test('an idempotent producer is served', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`)
    await produce('once', lines.join('\n'), '-X', 'enable.idempotence=true', '-p', '0')
    expect(await consume('once', '-p', '0')).toEqual(lines)
  })

  test('a transactional producer commits what it is given, and another one with its id goes on', async () => {
    const transactional = (input: string) =>
      run(['-P', '-t', 'whole', '-p', '0', '-X', 'transactional.id=tx'], { input })
    expect((await transactional('a\nb')).code).toBe(0)
    expect((await transactional('c')).code).toBe(0)
    const committed = ['-p', '0', '-X', 'isolation.level=read_committed']
    expect(await consume('whole', ...committed)).toEqual(['a', 'b', 'c'])
  })

  test('lists brokers, topics and partitions (-L)', async () => {
    await produce('listed', 'x')
    const { code, output } = await run(['-L', '-J', '-t', 'listed'])
    expect(code).toBe(0)
    expect(JSON.parse(output)).toMatchObject({
      controllerid: 1,
      brokers: [{ id: 1, name: broker.bootstrap }],
      topics: [
        {
          topic: 'listed',
          partitions: [
            { partition: 0, leader: 1, replicas: [{ id: 1 }], isrs: [{ id: 1 }] },
            { partition: 1, leader: 1, replicas: [{ id: 1 }], isrs: [{ id: 1 }] },
          ],
        },
      ],
    })
  })

  test('queries offsets by time (-Q)', async () => {
    await produce('queried', 'a\nb', '-p', '0')
    const query = async (at: number): Promise<string> => {
      const { code, output } = await run(['-Q', '-t', `queried:0:${at}`])
      expect(code).toBe(0)
      return output.trim()
    }
    expect(await query(-1)).toBe('queried [0] offset 2')
    expect(await query(-2)).toBe('queried [0] offset 0')
    expect(await query(1)).toBe('queried [0] offset 0')
  })

  test('consumes from an offset and from the end', async () => {
    await produce('positions', 'a\nb\nc', '-p', '0')
    expect(await consume('positions', '-p', '0', '-o', '1')).toEqual(['b', 'c'])
    expect(await consume('positions', '-p', '0', '-o', '-1')).toEqual(['c'])
    expect(await consume('positions', '-p', '0', '-o', 'end')).toEqual([])
  })

  test('consumes in a group and goes on where the group stopped (-G)', async () => {
    await produce('grouped', 'a\nb', '-p', '0')
    // -u: kcat would keep what it read in its buffer until it ends, and it ends when we have read it.
    const group = (until: string) =>
      run(['-u', '-q', '-X', 'auto.offset.reset=earliest', '-G', 'readers', 'grouped'], {
        until: output => output.includes(until),
      })
    expect((await group('b')).output).toBe('a\nb\n')
    await produce('grouped', 'c', '-p', '1')
    expect((await group('c')).output).toBe('c\n')
  })

  test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    'logs in by %s, also with the nonce of librdkafka before 2.6.1',
    async mechanism => {
      await using secured = await startBroker({
        listeners: [{ name: 'SECURED', sasl: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] }],
        users: [{ name: 'alice', password: 'secret' }],
      })
      const login = (password: string): string[] =>
        Object.entries({
          'security.protocol': 'sasl_plaintext',
          'sasl.mechanism': mechanism,
          'sasl.username': 'alice',
          'sasl.password': password,
        }).flatMap(([name, value]) => ['-X', `${name}=${value}`])
      expect(await kcat(secured.bootstrap, ['-L', ...login('secret')])).toMatchObject({ code: 0 })
      const refused = await kcat(secured.bootstrap, ['-L', '-m', '1', ...login('guessed')])
      expect(refused.errors).toContain('SASL authentication error')
    },
  )
})

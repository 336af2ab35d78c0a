/**
 * A broker with TLS, logins and access rules, set up by Apache Kafka's own commands and used by them and by kcat: who is
 * nobody gets in, who may not is refused, and who was allowed works.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrokerProcess, startBrokerProcess } from '../torture/broker-process.ts'
import { hasKafka, hasPython, kafkaVersions, startJava, startPython } from './clients.ts'
import type { Answer, ForeignProcess } from './foreign-process.ts'
import { hasKcat, kcat } from './kcat.ts'

const tls = resolve(import.meta.dirname, '../fixtures/tls')
const ca = join(tls, 'ca.pem')

for (const version of kafkaVersions.filter(hasKafka)) {
  describe(`a secured broker and the tools of Apache Kafka ${version}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-interop-'))
    let broker: BrokerProcess
    let java: ForeignProcess

    beforeAll(async () => {
      java = startJava(version)
      const settings = join(folder, 'broker.yaml')
      const listener = {
        name: 'SECURE',
        port: 0,
        tls: { key: join(tls, 'server.key'), cert: join(tls, 'server.pem') },
        sasl: ['SCRAM-SHA-256', 'SCRAM-SHA-512', 'PLAIN'],
      }
      const admin = { name: 'admin', password: 'of-admin' }
      writeFileSync(
        settings,
        JSON.stringify({
          listeners: [listener],
          authorizer: true,
          superUsers: ['User:admin'],
          users: [admin],
        }),
      )
      broker = await startBrokerProcess(join(folder, 'data'), settings)
    })

    afterAll(async () => {
      await java[Symbol.asyncDispose]()
      await broker.kill()
      rmSync(folder, { recursive: true, force: true })
    })

    /** Runs a tool as a user, whose settings are named differently from tool to tool. */
    function as(
      user: string,
      name: string,
      option: string,
      args: readonly string[],
      input = '',
    ): Promise<Answer> {
      const settings = join(folder, `${user}.properties`)
      const login = `org.apache.kafka.common.security.scram.ScramLoginModule required username="${user}" password="of-${user}";`
      writeFileSync(
        settings,
        [
          'security.protocol=SASL_SSL',
          'sasl.mechanism=SCRAM-SHA-512',
          `sasl.jaas.config=${login}`,
          'ssl.truststore.type=PEM',
          `ssl.truststore.location=${ca}`,
        ].join('\n'),
      )
      return java.ask(
        'tool',
        name,
        input,
        '--bootstrap-server',
        broker.bootstrap,
        option,
        settings,
        ...args,
      )
    }

    async function admin(name: string, ...args: string[]): Promise<string> {
      const { code, output, errors } = await as('admin', name, '--command-config', args)
      expect({ code, errors, output: code === 0 ? '' : output }).toEqual({
        code: 0,
        errors: '',
        output: '',
      })
      return output
    }

    async function produce(user: string, value: string): Promise<void> {
      await as(
        user,
        'ConsoleProducer',
        version < '4' ? '--producer.config' : '--command-config',
        ['--topic', 'orders'],
        `${value}\n`,
      )
    }

    async function consume(user: string): Promise<string[]> {
      const args = [
        '--topic',
        'orders',
        '--group',
        'readers',
        '--from-beginning',
        '--timeout-ms',
        '3000',
      ]
      const { output } = await as(
        user,
        'ConsoleConsumer',
        version < '4' ? '--consumer.config' : '--command-config',
        args,
      )
      return output.split('\n').filter(Boolean)
    }

    const lengthOfOrders = (): Promise<string> => admin('GetOffsetShell', '--topic', 'orders')

    test('ConfigCommand makes a user who gets in and may do nothing', async () => {
      await admin('TopicCommand', '--create', '--topic', 'orders')
      const alice = ['--entity-type', 'users', '--entity-name', 'alice']
      expect((await as('alice', 'TopicCommand', '--command-config', ['--list'])).code).toBe(1)
      await admin(
        'ConfigCommand',
        '--alter',
        ...alice,
        '--add-config',
        'SCRAM-SHA-512=[password=of-alice],SCRAM-SHA-256=[password=of-alice]',
      )
      expect(await admin('ConfigCommand', '--describe', ...alice)).toContain(
        'SCRAM-SHA-512=iterations=',
      )
      const topics = await as('alice', 'TopicCommand', '--command-config', ['--list'])
      expect({ code: topics.code, output: topics.output.trim() }).toEqual({ code: 0, output: '' })
      const refused = await as('alice', 'TopicCommand', '--command-config', [
        '--create',
        '--topic',
        'mine',
      ])
      expect(refused.code).toBe(1)
      expect(refused.output + refused.errors).toContain(
        'User alice may not do Create to the Topic mine',
      )
      await produce('alice', 'refused')
      expect(await lengthOfOrders()).toBe('orders:0:0\n')
    })

    test('AclCommand grants what is then possible, lists it and takes it back', async () => {
      const alice = ['--allow-principal', 'User:alice', '--topic', 'orders']
      await admin('AclCommand', '--add', ...alice, '--producer')
      await produce('alice', 'first')
      expect(await lengthOfOrders()).toBe('orders:0:1\n')
      expect(await consume('alice')).toEqual([])
      await admin(
        'AclCommand',
        '--add',
        ...alice,
        '--consumer',
        '--group',
        'read',
        '--resource-pattern-type',
        'prefixed',
      )
      await admin('AclCommand', '--add', ...alice, '--operation', 'Read')
      expect(await consume('alice')).toEqual(['first'])
      expect(await admin('AclCommand', '--list', '--topic', 'orders')).toMatch(
        /principal=User:alice, host=\*, operation=WRITE, permissionType=ALLOW/,
      )
      await admin('AclCommand', '--remove', ...alice, '--producer', '--force')
      await produce('alice', 'refused')
      expect(await lengthOfOrders()).toBe('orders:0:1\n')
    })

    const settingsOf = (mechanism: string, password: string): Record<string, string> => ({
      'security.protocol': 'SASL_SSL',
      'ssl.ca.location': ca,
      'sasl.mechanism': mechanism,
      'sasl.username': 'admin',
      'sasl.password': password,
    })

    test.runIf(hasKcat)('kcat logs in over TLS, and not with another password', async () => {
      const list = (password: string, patienceS: string): ReturnType<typeof kcat> => {
        const settings = Object.entries(settingsOf('SCRAM-SHA-512', password))
        return kcat(broker.bootstrap, [
          '-L',
          '-m',
          patienceS,
          ...settings.flatMap(([name, value]) => ['-X', `${name}=${value}`]),
        ])
      }
      expect((await list('of-admin', '60')).output).toContain('broker 1 at ')
      const refused = await list('of-somebody', '1')
      expect(refused.code).not.toBe(0)
      expect(refused.output).not.toContain('broker 1 at ')
    })

    test.runIf(hasPython()).each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
      'librdkafka works after a login by %s',
      async mechanism => {
        await using python = startPython()
        const settings = JSON.stringify(settingsOf(mechanism, 'of-admin'))
        const { errors } = await python.ask(
          'check',
          'transactions_commit_and_abort',
          broker.bootstrap,
          settings,
        )
        expect(errors).toBe('')
      },
    )
  })
}

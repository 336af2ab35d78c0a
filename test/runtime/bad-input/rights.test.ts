/** An application whose user may not do all that it needs, on a broker with access rules. */
import { expect, test } from 'vitest'
import { startBroker } from '../../../src/broker/index.ts'
import { createLogClient } from '../../../src/client/kafka-client.ts'
import type { LogClient } from '../../../src/client/log-client.ts'
import { wireConnector } from '../../../src/client/wire-connection.ts'
import { defineApp, string } from '../../../src/index.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import { saslHandshake } from '../../../src/protocol/messages/17-sasl-handshake.ts'
import { createAcls } from '../../../src/protocol/messages/30-create-acls.ts'
import { deleteAcls } from '../../../src/protocol/messages/31-delete-acls.ts'
import { saslAuthenticate } from '../../../src/protocol/messages/36-sasl-authenticate.ts'
import { startApplication } from '../../../src/runtime/application.ts'
import { Peer } from '../../broker/peer.ts'
import { CrashableEngine } from '../crashable-engine.ts'
import { produce, readText, record, temporaryFolder } from '../testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }
const [topic, group, transactionalId] = [2, 3, 5]
const [all, read, write, create] = [2, 3, 4, 5]
const [deny, allow] = [2, 3]
const [literal, prefixed] = [3, 4]

interface Right {
  readonly resourceType: number
  readonly resourceName: string
  readonly resourcePatternType: number
  readonly operation: number
}

const right = (
  resourceType: number,
  resourceName: string,
  operation: number,
  resourcePatternType = literal,
): Right => ({ resourceType, resourceName, resourcePatternType, operation })

const needed = [
  right(topic, 'in', read),
  right(topic, 'out', write),
  right(topic, 'out', create),
  right(topic, 'app-', all, prefixed),
  right(group, 'app', read),
  right(transactionalId, 'app-', write, prefixed),
]

const app = defineApp('app', builder => {
  const counts = builder.stream('in', text).groupByKey().count({ store: 'counts' })
  counts.toStream().mapValues(String).to('out', text)
})

async function start() {
  const broker = await startBroker({
    flush: 'os',
    listeners: [{ name: 'SASL', sasl: ['PLAIN'] }],
    users: [
      { name: 'admin', password: 'a' },
      { name: 'app', password: 'b' },
    ],
    topics: [{ name: 'in' }],
    config: { authorizer: true, superUsers: ['User:admin'] },
  })
  const connect = (username: string, password: string): LogClient => {
    const sasl = { mechanism: 'PLAIN', username, password } as const
    const connector = wireConnector(platform, { clientId: username, sasl })
    return createLogClient({ platform, bootstrap: [broker.address], connector })
  }
  const peer = await Peer.open(broker.address)
  await peer.ask(saslHandshake, 1, { mechanism: 'PLAIN' })
  await peer.ask(saslAuthenticate, 1, { authBytes: Buffer.from('\0admin\0a') })
  const rule = { principal: 'User:app', host: '*' }
  const make = async (rights: readonly Right[], permissionType: number): Promise<void> => {
    const creations = rights.map(each => ({ ...each, ...rule, permissionType }))
    const { results } = await peer.ask(createAcls, 3, { creations })
    for (const result of results) expect(result.errorCode).toBe(errorCode.NONE)
  }
  await make(needed, allow)
  const admin = connect('admin', 'a')
  const client = connect('app', 'b')
  return {
    admin,
    client,
    deny: (each: Right) => make([each], deny),
    async allowAgain({ resourceType, resourceName, resourcePatternType, operation }: Right) {
      const filter = {
        resourceTypeFilter: resourceType,
        resourceNameFilter: resourceName,
        patternTypeFilter: resourcePatternType,
        principalFilter: null,
        hostFilter: null,
        operation,
        permissionType: deny,
      }
      const { filterResults } = await peer.ask(deleteAcls, 3, { filters: [filter] })
      expect(filterResults[0]?.matchingAcls).toHaveLength(1)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([client.close(), admin.close(), peer.close()])
      await broker.close()
    },
  }
}

const cases = [
  ['read its input', right(topic, 'in', read)],
  ['write its output', right(topic, 'out', write)],
  ['write its changelog', right(topic, 'app-counts-changelog', write)],
  ['be in its group', right(group, 'app', read)],
  ['write under its transactional id', right(transactionalId, 'app-', write, prefixed)],
] as const

test.each(cases)('whoever may not %s any more goes on when it may again', async (_, lost) => {
  using folder = temporaryFolder()
  await using world = await start()
  const { client, admin } = world
  const refused = Promise.withResolvers<unknown>()
  await using application = await startApplication(app, {
    client,
    platform,
    engine: new CrashableEngine(),
    stateFolder: folder.path,
    commitIntervalMs: 10,
    uncaughtExceptionHandler: error => {
      refused.resolve(error)
      return 'replace'
    },
  })
  await produce(admin, 'in', [record('a', 'x'), record('b', 'x')])
  await application.untilEnd()
  await world.deny(lost)
  await produce(admin, 'in', [record('a', 'x')])
  expect(await refused.promise).toMatchObject({
    code: 'UNAUTHORIZED',
    message: expect.stringContaining('Grant the principal'),
  })
  await world.allowAgain(lost)
  await produce(admin, 'in', [record('a', 'x')])
  await application.untilEnd()
  expect(await readText(admin, 'out')).toEqual(['a=1', 'b=1', 'a=2', 'a=3'])
})

test.each([...cases, ['create its output', right(topic, 'out', create)]] as const)(
  'whoever may not %s at the start is told, and starts when it may',
  async (_, lacking) => {
    using folder = temporaryFolder()
    await using world = await start()
    const { client, admin } = world
    const engine = new CrashableEngine()
    const options = { client, platform, engine, stateFolder: folder.path }
    await produce(admin, 'in', [record('a', 'x'), record('b', 'x')])
    await world.deny(lacking)
    const attempt = async (): Promise<void> => {
      await using application = await startApplication(app, options)
      await application.finished
    }
    await expect(attempt()).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining('Grant the principal'),
    })
    await world.allowAgain(lacking)
    await using application = await startApplication(app, options)
    await application.untilEnd()
    expect(await readText(admin, 'out')).toEqual(['a=1', 'b=1'])
  },
)

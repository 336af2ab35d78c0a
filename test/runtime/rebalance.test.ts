import { describe, expect, test } from 'vitest'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { type App, defineApp } from '../../src/dsl/define-app.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import { delayedConnector } from '../client/lossy-connector.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { type SimulatedLog, simulatedLog } from './simulated-log.ts'
import { produce, readText, record } from './testbed.ts'

/** Instances that come and go while others work, in virtual time. */
const text = { key: string(), value: string() }
const partitions = 4

interface World {
  readonly log: SimulatedLog
  /** Which instance began a task, in order, such as `a 0_1`. */
  readonly began: string[]
  /** Values that were processed, committed or not. */
  readonly processed: string[]
  /** Requests of that API of the instance wait until they are released. */
  hold(name: string, api: string): { readonly held: () => boolean; readonly release: () => void }
  start(name: string): Promise<Application>
  /** Sends one record to each partition and waits until all of them have come out. */
  passThrough(value: string): Promise<void>
}

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']

async function openWorld(): Promise<World> {
  const log = await simulatedLog({ config: { groupInitialRebalanceDelayMs: 0 } })
  await log.run(log.client.createTopics(['in', 'out'].map(name => ({ name, partitions }))))
  const began: string[] = []
  const processed: string[] = []
  const holds = new Map<string, () => Promise<void>>()
  const app = (name: string): App =>
    defineApp('moving', builder => {
      builder
        .stream('in', text)
        .processValues<string>(context => {
          began.push(`${name} ${context.taskId}`)
          return {
            process: given => {
              processed.push(given.value)
              context.forward(given)
            },
          }
        })
        .to('out', text)
    })
  return {
    log,
    began,
    processed,
    hold(name, api) {
      const { promise, resolve } = Promise.withResolvers<void>()
      let isHeld = false
      holds.set(`${name} ${api}`, () => {
        isHeld = true
        return promise
      })
      const release = (): void => {
        holds.delete(`${name} ${api}`)
        resolve()
      }
      return { held: () => isHeld, release }
    },
    start(name) {
      const connector = wireConnector(log.platform, { clientId: name })
      const client = log.connect({
        connector: delayedConnector(connector, async api => holds.get(`${name} ${api}`)?.()),
      })
      const engine = new CrashableEngine()
      const stateFolder = `/state-${name}`
      return log.run(
        startApplication(app(name), {
          client,
          platform: log.platform,
          engine,
          stateFolder,
          commitIntervalMs: 100,
        }),
      )
    },
    async passThrough(value) {
      await log.run(
        produce(
          log.client,
          'in',
          keys.map(key => record(key, value)),
        ),
      )
      const came = async (): Promise<number> => {
        const out = await readText(log.client, 'out')
        return new Set(out.filter(each => each.endsWith(`=${value}`))).size
      }
      while ((await log.run(came())) < keys.length) await log.pass(100)
    },
  }
}

/** Where the tasks run in the end. */
const owners = (began: readonly string[]): Map<string, string> =>
  new Map(began.map(each => [each.split(' ')[1] ?? '', each.split(' ')[0] ?? '']))

describe('a rebalance', () => {
  test('stops only the tasks that move', async () => {
    const world = await openWorld()
    const { log, began } = world
    const one = await world.start('one')
    await world.passThrough('before')
    expect([...began].sort()).toEqual(['one 0_0', 'one 0_1', 'one 0_2', 'one 0_3'])
    const two = await world.start('two')
    await log.until(() => began.length >= 6)
    await world.passThrough('with two')
    // Nothing began anew but what moved.
    expect(began).toHaveLength(6)
    expect([...owners(began).values()].filter(name => name === 'two')).toHaveLength(2)
    await log.run(two.close())
    await world.passThrough('alone again')
    expect(began).toHaveLength(8)
    await log.run(one.close())
  })

  test('in which a member is slow to come keeps nobody from work and commits', async () => {
    const world = await openWorld()
    const { log, began } = world
    const one = await world.start('one')
    await log.until(() => began.length === 4)
    const two = await world.start('two')
    await log.until(() => began.length >= 6)
    await world.passThrough('before')
    const slow = world.hold('one', 'JoinGroup')
    const three = await world.start('three')
    await log.until(() => slow.held())
    await log.pass(5_000)
    // The group waits for one member, and all tasks go on, its own and those of others.
    await world.passThrough('meanwhile')
    await log.pass(20_000)
    await world.passThrough('and on')
    expect(began.length).toBe(6)
    expect(three.metrics().processed).toBe(0)
    slow.release()
    await log.until(() => began.length === 7)
    await world.passThrough('after')
    for (const instance of [one, two, three]) expect(instance.state).toBe('RUNNING')
    await log.run(Promise.all([one, two, three].map(instance => instance.close())))
  })

  test('whose leader is slow keeps nobody from work; commits come after it', async () => {
    const world = await openWorld()
    const { log, began, processed } = world
    const one = await world.start('one')
    await world.passThrough('before')
    const slow = world.hold('one', 'SyncGroup')
    const two = await world.start('two')
    await log.until(() => slow.held())
    await log.run(
      produce(
        log.client,
        'in',
        keys.map(key => record(key, 'meanwhile')),
      ),
    )
    await log.until(() => processed.filter(value => value === 'meanwhile').length === keys.length)
    expect(await log.run(readText(log.client, 'out'))).toHaveLength(keys.length)
    slow.release()
    await log.until(() => began.length === 6)
    await world.passThrough('after')
    const out = await log.run(readText(log.client, 'out'))
    expect(out.filter(each => each.endsWith('=meanwhile'))).toHaveLength(keys.length)
    await log.run(Promise.all([one, two].map(instance => instance.close())))
  })
})

import { expect, test } from 'vitest'
import { startFlushing } from '../../src/broker/flush-interval.ts'
import { brokerConfig } from '../../src/broker/config.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'

test('all partitions are asked to flush, once in an interval, until it is stopped', async () => {
  const sim = simulate({ seed: 1 })
  const { platform } = sim.machine('broker')
  const asked: number[] = []
  const requestFlush = (): void => void asked.push(sim.nowMs)
  const stop = startFlushing(platform, () => [{ requestFlush }, { requestFlush }], 100)
  const start = sim.nowMs
  const pass = async (ms: number): Promise<void> => {
    const until = sim.nowMs + ms
    sim.after(ms, () => undefined)
    await sim.run(() => sim.nowMs >= until)
  }
  await pass(250)
  expect(asked.map(at => at - start)).toEqual([100, 100, 200, 200])
  stop()
  await pass(500)
  expect(asked).toHaveLength(4)
})

test('its settings are refused where they would do nothing', () => {
  expect(() => brokerConfig({ flushIntervalMs: 50 })).toThrow(/does nothing with flush: commit/)
  expect(() => brokerConfig({ flush: 'os', flushIntervalMessages: 5 })).toThrow(/flush: interval/)
  expect(brokerConfig({ flush: 'interval', flushIntervalMs: 50 })).toMatchObject({
    flush: 'interval',
    flushIntervalMs: 50,
    flushIntervalMessages: 10_000,
  })
})

import { expect, test, vi } from 'vitest'
import { type StreamsBuilder, defineApp, string } from '../../src/index.ts'

const strings = { key: string(), value: string() }

test('an app is built when its topology is first asked for, and once', () => {
  const build = vi.fn((builder: StreamsBuilder) => builder.stream('in', strings).to('out'))
  const app = defineApp('copy', build)
  expect(build).not.toHaveBeenCalled()
  expect(app.compile()).toBe(app.compile())
  expect(build).toHaveBeenCalledOnce()
  expect(app.compile().applicationId).toBe('copy')
  expect(Object.isFrozen(app)).toBe(true)
})

test('the name of an app must be legal in the names of its topics', () => {
  expect(() => defineApp('my app', () => {}).compile()).toThrow('The name "my app"')
})

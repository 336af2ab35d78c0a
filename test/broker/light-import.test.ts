/** What a cold start of the broker loads: each package costs it tens of milliseconds and megabytes. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const listsPackages = `
  import module from 'node:module'
  const packages = new Set()
  module.registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context)
      const name = /node_modules\\/((@[^/]+\\/)?[^/]+)(?!.*node_modules)/.exec(resolved.url)?.[1]
      if (name !== undefined) packages.add(name)
      return resolved
    },
  })
  const { startBroker } = await import('millrace/broker')
  await (await startBroker({ topics: [{ name: 'words' }] })).close()
  process.stdout.write([...packages].sort().join())
`

test('an embedded broker loads the checks of its settings, checksums with codecs, and no more', () => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=millrace-source', '--input-type=module', '--eval', listsPackages],
    { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8' },
  )
  expect(stderr).toBe('')
  expect(stdout).toBe('@platformatic/dynamic-buffer,@platformatic/wasm-utils,zod')
})

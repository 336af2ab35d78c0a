import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

/**
 * What a user installs: the packed tarball in an empty project. The package is built by npm itself (`prepack`), and the
 * project sees nothing of this checkout.
 */
const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'))
const project = join(folder, 'project')
afterAll(() => rmSync(folder, { recursive: true }))

const run = (cwd: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

beforeAll(() => {
  mkdirSync(project)
  run(root, 'npm', 'pack', '--silent', '--pack-destination', folder)
  const tarball = readdirSync(folder).find(name => name.endsWith('.tgz')) ?? ''
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'user', private: true, type: 'module' }),
  )
  run(
    project,
    'npm',
    'install',
    '--silent',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    join(folder, tarball),
  )
})

const app = `
import { defineApp, integer, string } from 'millrace'

export default defineApp('lengths', builder => {
  builder
    .stream('words', { key: string(), value: string() })
    .mapValues(word => word.length)
    .to('lengths', { value: integer() })
})
`

test('an app runs as .ts from the installed package, in the test driver and against an embedded broker', () => {
  writeFileSync(join(project, 'app.ts'), app)
  writeFileSync(
    join(project, 'main.ts'),
    `
import { string, integer } from 'millrace'
import { TestDriver } from 'millrace/testing'
import { startBroker } from 'millrace/broker'
import app from './app.ts'

const driver = new TestDriver(app)
driver.inputTopic('words', { key: string(), value: string() }).pipe('a', 'seven')
const records = driver.outputTopic('lengths', { key: string(), value: integer() }).readAll()
await using broker = await startBroker({ data: './data' })
console.log(JSON.stringify({ value: records[0]?.value, port: broker.address.port > 0 }))
`,
  )
  expect(JSON.parse(run(project, process.execPath, 'main.ts'))).toEqual({ value: 5, port: true })
})

test('its declarations type-check in a strict project', () => {
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        module: 'nodenext',
        target: 'es2024',
        lib: ['es2024', 'esnext.disposable'],
        types: [],
        noEmit: true,
        allowImportingTsExtensions: true,
      },
      files: ['app.ts'],
    }),
  )
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  expect(run(project, process.execPath, tsc, '-p', 'tsconfig.json')).toBe('')
})

test('the command works', () => {
  const bin = join(project, 'node_modules/.bin/millrace')
  expect(run(project, process.execPath, bin, '--help')).toContain('describe')
  expect(run(project, process.execPath, bin, 'describe', 'app.ts')).toContain('(topics: [words])')
})

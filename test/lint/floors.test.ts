import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

/** The lint rules that hold the house up, shown to fail: a small tree with one wrong line at a time. */
const root = join(import.meta.dirname, '../..')
const tree = mkdtempSync(join(tmpdir(), 'millrace-lint-'))
copyFileSync(join(root, 'oxlint.config.ts'), join(tree, 'oxlint.config.ts'))
copyFileSync(join(root, 'tsconfig.json'), join(tree, 'tsconfig.json'))
copyFileSync(join(root, 'package.json'), join(tree, 'package.json'))
symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
afterAll(() => rmSync(tree, { recursive: true }))

function lint(file: string, line: string): { status: number | null; output: string } {
  const path = join(tree, file)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, `${line}\n`)
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
  const { status, stdout } = spawnSync(process.execPath, [oxlint, file], {
    cwd: tree,
    encoding: 'utf8',
  })
  rmSync(path)
  return { status, output: stdout }
}

describe('a module imports only from floors below its own', () => {
  test.each([
    ['src/serde/wrong.ts', `export { describe } from '../topology/describe.ts'`],
    ['src/protocol/messages/wrong.ts', `export { openBroker } from '../../broker/broker.ts'`],
    ['src/state/wrong.ts', `export { openBroker } from '../broker/broker.ts'`],
    ['src/broker/log/wrong.ts', `export { TestDriver } from '../../testing/index.ts'`],
    ['src/runtime/wrong.ts', `export { defineApp } from 'millrace'`],
  ])('%s', (file, line) => {
    const { status, output } = lint(file, line)
    expect(output).toContain('no-restricted-imports')
    expect(output).toContain('imports only from the floors below')
    expect(status).toBe(1)
  })
})

describe('only platform/ reaches the outside world', () => {
  test.each([
    [`export { readFileSync } from 'node:fs'`],
    [`export { connect } from 'node:net'`],
    [`export { connect } from 'node:tls'`],
    [`export const now = (): number => Date.now()`],
    [`export const dice = (): number => Math.random()`],
    [`export const wait = (run: () => void): unknown => setTimeout(run, 10)`],
  ])('%s', line => {
    const { status, output } = lint('src/broker/wrong.ts', line)
    expect(output).toMatch(/no-restricted-(imports|globals|properties)/)
    expect(status).toBe(1)
    expect(lint('src/platform/right.ts', line).status).toBe(0)
  })
})

test('a module that keeps the rules passes', () => {
  const line = `export { MillraceError } from '../errors.ts'`
  expect(lint('src/broker/right.ts', line)).toMatchObject({ status: 0 })
})

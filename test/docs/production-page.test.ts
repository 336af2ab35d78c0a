/** docs/production.md names every setting, with the defaults that the code has. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { resolveStreamsConfig } from '../../src/dsl/streams-config.ts'
import { resolveTaskConfig } from '../../src/topology/task-config.ts'
import { withGeneratedParts } from './generated-parts.ts'
import { root } from './extract.ts'
import { productionParts } from './production-page.ts'

const page = readFileSync(join(root, 'docs/production.md'), 'utf8')

test('the lists are those of the code', () => {
  expect(page, 'run: node --conditions=millrace-source test/docs/production-page.ts').toBe(
    withGeneratedParts(page, productionParts),
  )
})

test.each(Object.keys(productionParts))('the page has the list of %s', name => {
  expect(page).toContain(`<!-- ${name} -->\n`)
})

const defaults = { ...resolveStreamsConfig({}), ...resolveTaskConfig({}) }
const plain = Object.entries(defaults).filter(([, value]) =>
  ['number', 'string', 'boolean'].includes(typeof value),
)

test.each(plain)('the default of %s is the one that the page tells', (name, value) => {
  const line = page.split('\n').find(each => each.startsWith(`- \`${name}\` (default `))
  const told = /\(default `'?(.*?)'?`\)/.exec(line ?? '')?.[1]
  expect(told?.replaceAll(/(?<=\d)_(?=\d)/g, '')).toBe(JSON.stringify(value).replaceAll('"', ''))
})

test.each(Object.keys(defaults))('the setting %s is there', name => {
  expect(page).toContain(`- \`${name}\` (default `)
})

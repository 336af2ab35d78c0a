/** docs/broker.md names every setting, metric and API, as the code has them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { brokerSettingNames } from '../../src/cli/broker-settings.ts'
import { generatedParts, withGeneratedParts } from './broker-page.ts'
import { root } from './extract.ts'

const page = readFileSync(join(root, 'docs/broker.md'), 'utf8')

test('the lists are those of the code', () => {
  expect(page, 'run: node --conditions=millrace-source test/docs/broker-page.ts').toBe(
    withGeneratedParts(page),
  )
})

test.each(Object.keys(generatedParts))('the page has the list of %s', name => {
  expect(page).toContain(`<!-- ${name} -->\n`)
})

test.each(brokerSettingNames)('the setting %s is there', name => {
  expect(page).toContain(`\`${name}\``)
})

/** Pages name every setting, metric and API, as the code has them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { brokerSettingNames } from '../../src/cli/broker-settings.ts'
import { root } from './extract.ts'
import { pages, withGeneratedParts } from './generated-parts.ts'

const read = (page: string): string => readFileSync(join(root, page), 'utf8')

describe.each(Object.entries(pages))('%s', (path, parts) => {
  const page = read(path)

  test('has the lists of the code', () => {
    expect(page, 'run: node --conditions=millrace-source test/docs/generated-parts.ts').toBe(
      withGeneratedParts(page),
    )
  })

  test.each(parts)('has the list of %s', name => {
    expect(page).toContain(`<!-- ${name} -->\n`)
  })
})

test.each(brokerSettingNames)('the setting %s of the broker is there', name => {
  expect(read('docs/broker.md')).toContain(`\`${name}\``)
})

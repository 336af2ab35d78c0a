/** What the pages refer to is there. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './extract.ts'

const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'test/TRACK_RECORD.md',
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => join('docs', name)),
]
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

/** Targets of links, without the part after `#`, of this repository. */
function linksOf(page: string): string[] {
  const targets = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '')
  return targets
    .filter(target => !/^(https?:|#)/.test(target))
    .map(target => join(dirname(page), target.replace(/#.*$/, '')))
}

test.each(pages)('%s links to what is there', page => {
  expect(linksOf(page).filter(target => !existsSync(join(root, target)))).toEqual([])
})

test('each of the eleven guarantees is one sentence with tests of its own', () => {
  const page = textOf('docs/guarantees.md')
  const section = page.slice(page.indexOf('## The eleven'), page.indexOf('## One broker'))
  const guarantees = section.split(/^\d+\. /m).slice(1)
  expect(guarantees).toHaveLength(11)
  for (const guarantee of guarantees) {
    expect(guarantee).toMatch(/^\*\*[A-Z][a-z ]+\.\*\* /)
    expect(guarantee.match(/\]\(\.\.\/test\/[\w/-]+\.test\.ts\)/g)?.length).toBeGreaterThan(1)
  }
})

test('the files that ARCHITECTURE.md sends to are there', () => {
  const named = [...textOf('ARCHITECTURE.md').matchAll(/`((?:[\w-]+\/)+[\w-]+\.ts)`/g)]
  const missing = named
    .map(([, name]) => name ?? '')
    .filter(name => !name.includes('NN-'))
    .filter(name => ![name, join('src', name)].some(each => existsSync(join(root, each))))
  expect(missing).toEqual([])
})

/** Brings docs/broker.md up to date: node --conditions=millrace-source test/docs/write-broker-page.ts */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withGeneratedParts } from './broker-page.ts'
import { root } from './extract.ts'

const path = join(root, 'docs/broker.md')
writeFileSync(path, withGeneratedParts(readFileSync(path, 'utf8')))

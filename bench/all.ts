/** Runs all programs of this folder, one after another, each in a process of its own. Options are passed on to them. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

const notPrograms = new Set(['all.ts', 'measure.ts'])
const programs = readdirSync(import.meta.dirname)
  .filter(name => name.endsWith('.ts') && !notPrograms.has(name))
  .sort()
const failed = programs.filter(name => {
  const file = join(import.meta.dirname, name)
  const args = [...process.execArgv, file, ...process.argv.slice(2)]
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0
})
if (failed.length > 0) {
  process.stderr.write(`Failed: ${failed.join(', ')}\n`)
  process.exitCode = 1
}

import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { Outcome } from './check-examples.ts'

/**
 * Runs modules one after another, each in an empty working folder of its own, and appends one line of JSON for each to
 * the report. `node run-modules.ts <folder> <report> <module> …`
 */
const [folder = '', report = '', ...modules] = process.argv.slice(2)

for (const [index, module] of modules.entries()) {
  const workingFolder = join(folder, 'run', String(index))
  mkdirSync(workingFolder, { recursive: true })
  process.chdir(workingFolder)
  appendFileSync(report, `${JSON.stringify(await run(module))}\n`)
}

async function run(module: string): Promise<Outcome> {
  const path = join(folder, module)
  try {
    await import(path)
    return { module }
  } catch (error) {
    if (!(error instanceof Error)) return { module, message: String(error) }
    const line = error.stack?.split(`${path}:`)[1]?.match(/^\d+/)?.[0]
    return {
      module,
      message: `${error.name}: ${error.message}`,
      ...(line === undefined ? {} : { line: Number(line) }),
    }
  }
}

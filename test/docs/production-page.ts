/** What docs/production.md takes from the code. Run, it brings the page up to date: see the message of its test. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../../src/cli/commands/run.ts'
import { withGeneratedParts } from './generated-parts.ts'
import { root } from './extract.ts'

/** The parts of docs/production.md that follow from the code, by the name in the comment before them. */
export const productionParts: Readonly<Record<string, () => string[]>> = {
  running: () => settingsOf('src/dsl/streams-config.ts', 'StreamsConfig'),
  tasks: () => settingsOf('src/topology/task-config.ts', 'TaskConfig'),
  flags: () =>
    runCommand().options.map(({ flags, description, defaultValue }) => {
      const value = defaultValue === undefined ? '' : ` (default \`${String(defaultValue)}\`)`
      return `- \`${flags}\`${value}: ${description}`
    }),
}

/** The options of an interface, as their doc comments describe them. */
function settingsOf(file: string, name: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const start = text.indexOf(`export interface ${name} {`)
  const body = text.slice(start, text.indexOf('\n}', start))
  return [...body.matchAll(/\/\*\*([^]*?)\*\/\s+readonly (\w+)\?/g)].map(
    ([, comment = '', option = '']) => {
      const words = comment.replaceAll(/\s*\n\s*\* ?/g, ' ').trim()
      const [description = '', defaultValue = ''] = words.split(/\s*@defaultValue\s*/)
      const value = /[\s`]/.test(defaultValue) ? defaultValue : `\`${defaultValue}\``
      return `- \`${option}\` (default ${value}): ${description}`
    },
  )
}

if (import.meta.main) {
  const path = join(root, 'docs/production.md')
  writeFileSync(path, withGeneratedParts(readFileSync(path, 'utf8'), productionParts))
}

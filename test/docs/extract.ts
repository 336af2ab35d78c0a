import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

/** A ```ts block of a doc comment or of a page. */
export interface Example {
  /** Where it stands, relative to the project. */
  readonly file: string
  /** Line of its first line of code, counted from 1. */
  readonly line: number
  readonly code: string
  /** What other examples of the page import it as: `// app.ts` in its first line. */
  readonly name?: string
}

/** Every ```ts block of the doc comments of `src`, of README.md and of the pages of `docs`. */
export function allExamples(): Example[] {
  const sources = filesIn('src').filter(file => file.endsWith('.ts'))
  const pages = filesIn('docs').filter(file => file.endsWith('.md'))
  return [...sources, 'README.md', ...pages].flatMap(file =>
    examplesIn(file, readFileSync(join(root, file), 'utf8')),
  )
}

/** The blocks of one file. In code, each line of a block begins with the star of its doc comment. */
export function examplesIn(file: string, text: string): Example[] {
  const star = file.endsWith('.md') ? /^/ : /^ *\* ?/
  const lines = text.split('\n')
  const examples: Example[] = []
  let start: number | undefined
  for (const [index, raw] of lines.entries()) {
    if (!star.test(raw)) continue
    const line = raw.replace(star, '')
    if (start === undefined) {
      if (/^```ts\b/.test(line)) start = index + 1
    } else if (line.startsWith('```')) {
      const block = lines.slice(start, index).map(each => each.replace(star, ''))
      const name = /^\/\/ ([\w-]+\.ts)$/.exec(block[0] ?? '')?.[1]
      const code = block.join('\n')
      examples.push({ file, line: start + 1, code, ...(name === undefined ? {} : { name }) })
      start = undefined
    }
  }
  return examples
}

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .sort()
}

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withAssertions } from './claims.ts'
import { type Example, root } from './extract.ts'

export interface Failure {
  readonly file: string
  readonly line: number
  readonly message: string
}

/** What `run-modules.ts` reports of one module. */
export interface Outcome {
  readonly module: string
  readonly line?: number
  readonly message?: string
}

/**
 * Type-checks the examples together, runs each as a module of its own, and returns what is wrong, at the line of the file
 * in which the example stands. The modules lie in a temporary project whose `node_modules` are those of this checkout;
 * empty lines before an example give its lines the numbers that they have in their file.
 */
export function checkExamples(examples: readonly Example[]): Failure[] {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-examples-'))
  try {
    linkPackages(folder)
    const modules = new Map(examples.map(example => [writeModule(folder, example), example]))
    const silent = examples.filter(({ code, name }) => !name && withAssertions(code).claims === 0)
    return [
      ...silent.map(({ file, line }) => ({ file, line, message: 'the example claims nothing' })),
      ...typeErrors(folder, modules),
      ...runErrors(folder, modules),
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** `millrace` itself and what an application uses beside it. */
const packages = ['fast-check', 'kafkajs', 'luxon', 'zod']

function linkPackages(folder: string): void {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/millrace'))
  for (const name of packages) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
}

function writeModule(folder: string, example: Example): string {
  const { file, line, name } = example
  const module = join(file, name ?? `line-${line}.ts`)
  const path = join(folder, module)
  mkdirSync(dirname(path), { recursive: true })
  const { code } = withAssertions(example.code)
  const used = ['more', 'shows', 'textOf', 'throws'].filter(each =>
    new RegExp(String.raw`\b${each}\b`).test(code),
  )
  const claims = join(import.meta.dirname, 'claims.ts')
  const preamble = used.length === 0 ? '' : `import { ${used.join(', ')} } from '${claims}'; `
  writeFileSync(path, `${'\n'.repeat(line - 1)}${preamble}${code}\nexport {}\n`)
  return module
}

function typeErrors(folder: string, modules: ReadonlyMap<string, Example>): Failure[] {
  const compilerOptions = { typeRoots: [join(root, 'node_modules/@types')] }
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions,
    include: [],
    files: [...modules.keys()],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  })
  return `${stdout}${stderr}`
    .split('\n')
    .filter(text => text !== '' && !text.startsWith(' '))
    .map(text => {
      const [, module = '', line, message] = /^(.*)\((\d+),\d+\): (.*)$/.exec(text) ?? []
      const example = modules.get(module)
      if (example === undefined) return { file: relative(folder, module), line: 0, message: text }
      return { file: example.file, line: Number(line), message: message ?? text }
    })
}

function runErrors(folder: string, modules: ReadonlyMap<string, Example>): Failure[] {
  const script = fileURLToPath(new URL('./run-modules.ts', import.meta.url))
  const report = join(folder, 'outcomes.jsonl')
  writeFileSync(report, '')
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--conditions=millrace-source', script, folder, report, ...modules.keys()],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1' },
      // An example that leaves something open keeps the process alive.
      timeout: 60_000,
    },
  )
  const outcomes = readFileSync(report, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Outcome)
  const failures = outcomes.flatMap(({ module, line, message }) => {
    const example = modules.get(module)
    if (example === undefined || message === undefined) return []
    return [{ file: example.file, line: line ?? example.line, message }]
  })
  if (status === 0) return failures
  const last = [...modules.values()][outcomes.length]
  const { file, line } = last ?? { file: script, line: 0 }
  const message = `the process of the examples ended with ${status ?? 'a signal'} here: ${stderr}`
  return [...failures, { file, line, message }]
}

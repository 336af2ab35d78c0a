#!/usr/bin/env node
// The command. In a checkout of Millrace it runs the sources, in an installed package the build; either way the app
// module's `import … from 'millrace'` must reach the same copy, so the condition is set for the whole process.
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import process from 'node:process'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `millrace needs Node 22.19 or newer; this is Node ${process.versions.node} (${process.execPath}).\n`,
  )
  process.exit(1)
}

const sources = new URL('../src/cli/main.ts', import.meta.url)
if (existsSync(sources)) {
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, 'millrace-source'] }),
  })
  await import(sources.href)
} else {
  await import(new URL('../dist/cli/main.js', import.meta.url).href)
}

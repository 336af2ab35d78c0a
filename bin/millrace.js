#!/usr/bin/env node
// The command. In a checkout of Millrace it runs the sources, in an installed package the build; either way the app
// module's `import … from 'millrace'` must reach the same copy, so the condition is set for the whole process. What an old
// Node lacks is not imported by name: it would fail before it could be told.
import { existsSync } from 'node:fs'
import module from 'node:module'
import process from 'node:process'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `millrace needs Node 22.19 or newer; this is Node ${process.versions.node} (${process.execPath}).\n`,
  )
  process.exit(1)
}

// Keeps compiled code in the system's temporary folder: the next start takes half the time.
module.enableCompileCache()

const sources = new URL('../src/cli/main.ts', import.meta.url)
if (existsSync(sources)) {
  module.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, 'millrace-source'] }),
  })
  await import(sources.href)
} else {
  await import(new URL('../dist/cli/main.js', import.meta.url).href)
}

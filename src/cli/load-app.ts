import { resolve } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import type { App } from '../dsl/define-app.ts'
import { MillraceError } from '../errors.ts'
import type { Platform } from '../platform/platform.ts'

/**
 * Imports the app module at `path` (relative to the working folder) and returns its default export. Node runs `.ts`
 * directly. Throws INVALID_APP, saying what to do, when the file is missing, does not load, or does not export an app.
 */
export async function loadApp(path: string, platform: Platform): Promise<App> {
  const file = resolve(process.cwd(), path)
  if (platform.files.size(file) === undefined) {
    throw new MillraceError('INVALID_APP', `There is no app module at ${file}. Check the path.`)
  }
  const module = await importModule(file)
  if (!('default' in module)) {
    throw new MillraceError(
      'INVALID_APP',
      `${file} has no default export. End it with: export default defineApp('my-app', builder => { … })`,
    )
  }
  if (!isApp(module.default)) {
    throw new MillraceError(
      'INVALID_APP',
      `The default export of ${file} is not an app. It must be what defineApp('my-app', builder => { … }) returns.`,
    )
  }
  return module.default
}

async function importModule(file: string): Promise<Record<string, unknown>> {
  try {
    const module: Record<string, unknown> = await import(pathToFileURL(file).href)
    return module
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    throw new MillraceError('INVALID_APP', `${file} could not be loaded. ${reason}`, { cause })
  }
}

const isApp = (value: unknown): value is App =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  typeof value.name === 'string' &&
  'compile' in value &&
  typeof value.compile === 'function'

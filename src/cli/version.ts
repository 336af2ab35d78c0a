import { createRequire } from 'node:module'

/** The version in package.json, which lies one level above both `src` and `dist`. */
export const version: string = (
  createRequire(import.meta.url)('../../package.json') as { version: string }
).version

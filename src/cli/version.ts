import { createRequire } from 'node:module'

const manifest: { version: string } = createRequire(import.meta.url)('../../package.json')

/** The version in package.json, which lies one level above both `src` and `dist`. */
export const version: string = manifest.version

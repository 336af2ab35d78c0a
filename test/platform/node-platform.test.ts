import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { platformContract } from './platform-contract.ts'

platformContract('nodePlatform', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-platform-'))
  return {
    platform: nodePlatform(),
    folder,
    run: body => body(),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import * as fc from 'fast-check'

import { TestApplication, type TopologySource } from '../../src/testing/index.ts'

/** What happens to an application after it has processed a record. */
export type Incident =
  'none' | 'commit' | 'restart' | 'kill' | 'kill and wipe' | 'kill within a commit'

export const incidentArbitrary: fc.Arbitrary<Incident> = fc.oneof(
  { weight: 6, arbitrary: fc.constant('none') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'commit',
      'restart',
      'kill',
      'kill and wipe',
      'kill within a commit',
    ),
  },
)

/**
 * Runs an application over records one by one, with what happens in between, and commits at last. What a kill undoes is
 * processed again; a kill undoes one record at most, so that records of several topics stay in their order.
 */
export async function runWithIncidents<Input>(
  source: TopologySource,
  {
    folder,
    cacheMaxBytes = 0,
    ...given
  }: { folder?: string; cacheMaxBytes?: number; steps: readonly [Input, Incident][] },
  pipe: (application: TestApplication, input: Input) => void,
): Promise<TestApplication> {
  const stateFolder = folder && mkdtempSync(path.join(folder, 'run-'))
  const application = await TestApplication.start(source, {
    cacheMaxBytes,
    ...(stateFolder && { stateFolder }),
  })
  for (const [input, incident] of given.steps) {
    if (incident.startsWith('kill')) await application.commit()
    pipe(application, input)
    await application.process()
    if (incident === 'commit') await application.commit()
    if (incident === 'restart') await application.restart()
    if (incident === 'kill') await application.kill()
    if (incident === 'kill and wipe') await application.kill({ wipe: true })
    if (incident === 'kill within a commit') await application.kill({ withinCommit: true })
    if (incident.startsWith('kill')) await application.process()
  }
  await application.settle()
  return application
}

/** A folder for the databases of a test file, which goes when its tests have ended. */
export function databaseFolder(): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-properties-'))
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** The file `topics`: which topics there are. A topic exists when it is in here. */
import { join } from 'node:path'
import { z } from 'zod'
import type { Files } from '../platform/platform.ts'
import { topicNameProblem } from '../protocol/topic-name.ts'
import { corrupt, readChecked, writeChecked } from './checked-file.ts'

const FILE = { name: 'topics', version: 1 }
const register = z.strictObject({
  topics: z.array(
    z.strictObject({
      name: z.string().refine(name => topicNameProblem(name) === null),
      id: z.string(),
      partitions: z.int().min(1),
      configs: z.record(z.string(), z.string()),
    }),
  ),
})

export type RegisteredTopic = z.infer<typeof register>['topics'][number]

/**
 * The topics of a data folder, undefined for a new one. Throws CORRUPT_DATA when the file is damaged, or missing although
 * there are partitions (`noPartitions` is false): an empty register would have them removed.
 */
export function readRegister(
  files: Files,
  folder: string,
  noPartitions: boolean,
): RegisteredTopic[] | undefined {
  const content = readChecked({ files, folder, ...FILE })
  if (content === undefined) {
    if (noPartitions) return undefined
    throw corrupt(join(folder, FILE.name), 'it is missing although there are topics')
  }
  const parsed = register.safeParse(content)
  if (parsed.success) return parsed.data.topics
  throw corrupt(join(folder, FILE.name), 'its fields are not as expected')
}

/** Durable when the promise resolves. */
export async function writeRegister(
  files: Files,
  folder: string,
  topics: readonly RegisteredTopic[],
): Promise<void> {
  await writeChecked({ files, folder, ...FILE }, { topics })
}

import { join } from 'node:path'
import { nodePlatform } from '../platform/node-platform.ts'
import type { Platform } from '../platform/platform.ts'

export interface CleanUpOptions {
  /** Folder of an instance, as it was given to `startApplication`. */
  readonly stateFolder: string
  /** @defaultValue nodePlatform() */
  readonly platform?: Platform
}

/**
 * Removes the state of all tasks from the folder of an instance that does not run: what it needs is restored when it starts the
 * next time. Its identity stays, so that it finds its place in the group again. Kafka Streams' `KafkaStreams.cleanUp`.
 *
 * Throws FOLDER_LOCKED while an instance uses the folder.
 *
 * @example
 * ```ts
 * import { cleanUp, createLogClient, defineApp, nodePlatform, startApplication, string } from 'millrace'
 * import { startBroker } from 'millrace/broker'
 *
 * const text = { key: string(), value: string() }
 * const app = defineApp('copy', builder => builder.stream('in', text).to('out'))
 * await using broker = await startBroker()
 * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
 * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
 * await client.createTopics([{ name: 'in' }, { name: 'out' }])
 * const options = { client, stateFolder: './state' }
 * const application = await startApplication(app, options)
 * await cleanUp(options) // throws FOLDER_LOCKED
 * await application.close()
 * await cleanUp(options)
 * ```
 */
export async function cleanUp({ stateFolder, platform }: CleanUpOptions): Promise<void> {
  const { files } = platform ?? nodePlatform()
  if (files.list(stateFolder).length === 0) return
  const lock = files.lock(stateFolder)
  try {
    files.remove(join(stateFolder, 'tasks'))
    files.remove(join(stateFolder, 'stored-offsets.json'))
    await files.syncFolder(stateFolder)
  } finally {
    lock.release()
  }
}

import { join } from 'node:path'
import { MillraceError } from '../errors.ts'
import type { Broker } from './broker.ts'
import { partitionsOf } from './metrics/metric-definitions.ts'

/**
 * Why the broker should not be sent clients: sentences, none when it should. It is not ready while it stops, while its
 * data folder cannot be written to (tried with a small file), and when a partition takes no more writes because its flush
 * failed.
 */
export async function readinessProblems(broker: Broker, folder: string): Promise<string[]> {
  if (broker.stopping.aborted) return ['The broker stops.']
  const stopped = partitionsOf(broker).flatMap(({ topic, partition, log }) =>
    log.failure === undefined
      ? []
      : `The partition ${topic}-${partition} takes no more writes since a flush failed: check the disk and restart the broker.`,
  )
  return [...stopped, ...(await diskProblems(broker, folder))]
}

async function diskProblems({ platform }: Broker, folder: string): Promise<string[]> {
  const path = join(folder, 'readiness-check')
  try {
    await platform.files.replace(path, Buffer.from('ready'))
    platform.files.remove(path)
    return []
  } catch (error) {
    if (error instanceof MillraceError) return [error.message]
    throw error
  }
}

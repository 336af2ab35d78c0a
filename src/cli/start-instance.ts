import type { App } from '../dsl/define-app.ts'
import type { Logger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'
import type { UncaughtExceptionHandler } from '../dsl/streams-config.ts'
import { type Application, startApplication } from '../runtime/application.ts'
import type { StateListener } from '../runtime/application-state.ts'
import { type ConnectionSettings, openClient } from './connection-settings.ts'

/** An application that closes the client that was opened for it, too. */
export interface Instance {
  readonly application: Application
  readonly close: () => Promise<void>
}

/** Connects, and starts an instance of the app in a folder of its own. */
export async function startInstance(
  app: App,
  options: {
    connection: ConnectionSettings
    stateFolder: string
    platform: Platform
    logger: Logger
    onState?: StateListener
    applicationServer?: string | undefined
    uncaughtExceptionHandler?: UncaughtExceptionHandler
  },
): Promise<Instance> {
  const { connection, applicationServer, ...instance } = options
  const { platform, logger } = options
  const client = await openClient(connection, { platform, logger, clientId: app.name })
  try {
    const application = await startApplication(app, {
      ...instance,
      client,
      ...(applicationServer !== undefined && { applicationServer }),
    })
    return { application, close: () => client.close() }
  } catch (error) {
    await client.close()
    throw error
  }
}

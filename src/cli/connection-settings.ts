import { z } from 'zod'
import { wireConnector } from '../client/wire-connection.ts'
import { createLogClient } from '../client/kafka-client.ts'
import type { Connector } from '../client/connection.ts'
import type { GroupAdmin, LogClient } from '../client/log-client.ts'
import type { Logger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'

export const saslMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** How a command reaches a cluster: plain data, so that it can be handed to a worker process. Certificates and key are PEM. */
export const connectionSettings = z.object({
  brokers: z.array(z.object({ host: z.string(), port: z.number() })),
  tls: z
    .object({
      ca: z.string().exactOptional(),
      cert: z.string().exactOptional(),
      key: z.string().exactOptional(),
    })
    .exactOptional(),
  sasl: z
    .object({ mechanism: z.literal(saslMechanisms), username: z.string(), password: z.string() })
    .exactOptional(),
})

export type ConnectionSettings = z.infer<typeof connectionSettings>

/** Who connects, and whom it tells. */
export interface ConnectionUser {
  readonly platform: Platform
  /** Names the program in the broker's logs and quotas. */
  readonly clientId: string
  readonly logger: Logger
}

/**
 * A client for the cluster. Rejects with CONNECTION_LOST when no broker answers: the client itself waits for brokers that
 * are away, but at the start nobody there means a wrong address.
 */
export async function openClient(
  settings: ConnectionSettings,
  user: ConnectionUser,
): Promise<LogClient & GroupAdmin & AsyncDisposable> {
  const { brokers, ...security } = settings
  const { platform, clientId, logger } = user
  const connector = wireConnector(platform, { clientId, ...security })
  await answering(settings, connector)
  return createLogClient({ platform, bootstrap: brokers, connector, logger })
}

async function answering({ brokers }: ConnectionSettings, connector: Connector): Promise<void> {
  let failure: unknown
  for (const broker of brokers) {
    try {
      const connection = await connector(broker)
      await connection.close()
      return
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

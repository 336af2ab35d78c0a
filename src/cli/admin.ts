import process from 'node:process'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { MillraceError } from '../errors.ts'
import { nodePlatform } from '../platform/node-platform.ts'
import { connectionOf, type ConnectionOptions } from './connection-options.ts'
import type { ConnectionSettings } from './connection-settings.ts'

/**
 * Does something with kafkajs's admin client, which is the one of the commands for people. What it throws becomes an operating
 * error: CONNECTION_LOST when no broker answers, LOG_ERROR with the broker's code for what is refused.
 */
export async function withAdmin<T>(
  options: ConnectionOptions,
  use: (admin: Admin) => Promise<T>,
): Promise<T> {
  const { brokers, tls, sasl } = connectionOf(options, nodePlatform().files)
  withoutTimerWarnings()
  const kafka = new Kafka({
    clientId: 'millrace',
    brokers: brokers.map(({ host, port }) =>
      host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    ),
    // It would write to standard output, and what matters it throws.
    logLevel: logLevel.NOTHING,
    retry: { retries: 3 },
    ...(tls !== undefined && { ssl: { ...tls, ...(tls.ca !== undefined && { ca: [tls.ca] }) } }),
    ...(sasl !== undefined && { sasl: saslOf(sasl) }),
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await use(admin)
  } catch (error) {
    throw operatingError(error)
  } finally {
    await admin.disconnect()
  }
}

/** kafkajs sets timers in the past, which Node warns of on standard error, where people look for what went wrong. */
function withoutTimerWarnings(): void {
  const others = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', warning => {
    if (warning.name === 'TimeoutNegativeWarning') return
    for (const listener of others) listener(warning)
  })
}

function saslOf({ mechanism, username, password }: NonNullable<ConnectionSettings['sasl']>) {
  if (mechanism === 'PLAIN') return { mechanism: 'plain', username, password } as const
  return mechanism === 'SCRAM-SHA-256'
    ? ({ mechanism: 'scram-sha-256', username, password } as const)
    : ({ mechanism: 'scram-sha-512', username, password } as const)
}

function operatingError(error: unknown): unknown {
  if (!(error instanceof Error) || !error.name.startsWith('KafkaJS')) return error
  // Of several errors each says what it is about; one that gave up retrying has the reason as its cause.
  const [first, ...others] = 'errors' in error && Array.isArray(error.errors) ? error.errors : []
  const cause: unknown = first ?? error.cause
  if (cause instanceof Error && cause.name.startsWith('KafkaJS')) {
    const told = operatingError(cause)
    if (others.length === 0 || !(told instanceof MillraceError)) return told
    return new MillraceError(told.code, `${told.message} (${others.length} more failed.)`, {
      cause,
    })
  }
  const type = 'type' in error && typeof error.type === 'string' ? error.type : undefined
  const topic =
    'topic' in error && typeof error.topic === 'string' ? ` for topic '${error.topic}'` : ''
  if (type !== undefined) {
    const message = `The broker answered ${type}${topic}: ${error.message.replace(/\.?$/, '.')}`
    return new MillraceError('LOG_ERROR', message, { cause: error })
  }
  const isLost = /Connection|Timeout|Broker/.test(error.name)
  return new MillraceError(
    isLost ? 'CONNECTION_LOST' : 'LOG_ERROR',
    error.message.replace(/\.?$/, '.'),
    {
      cause: error,
    },
  )
}

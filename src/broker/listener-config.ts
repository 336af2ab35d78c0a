import { z } from 'zod'
import { MillraceError } from '../errors.ts'
import { type TlsConfig, tlsConfigSchema } from './tls-files.ts'

/**
 * One door of the broker. Clients stay with the listener they came in through: that is whose address they are told.
 */
export interface ListenerConfig {
  /** Names the listener in settings, logs and metrics, as Kafka does: letters, digits, `_` and `-`. */
  readonly name: string
  /** Interface to listen on. @defaultValue '127.0.0.1' */
  readonly host?: string
  /** Port to listen on; 0 takes a free one. @defaultValue 0 */
  readonly port?: number
  /** Host that clients are told to connect to; needed when `host` means all interfaces. @defaultValue `host` */
  readonly advertisedHost?: string
  /** Port that clients are told to connect to, where it is forwarded from. @defaultValue the port listened on */
  readonly advertisedPort?: number
  /** Only encrypted connections are served. @defaultValue none are encrypted */
  readonly tls?: TlsConfig
}

/** A listener with its defaults filled in. */
export type CompleteListenerConfig = z.infer<typeof schema>

const allInterfaces = new Set(['0.0.0.0', '::'])

const schema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'use letters, digits, _ and -'),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65535).default(0),
  advertisedHost: z.string().min(1).optional(),
  advertisedPort: z.int().min(1).max(65535).optional(),
  tls: tlsConfigSchema.optional(),
})

/**
 * Checks listeners and fills in defaults. Throws INVALID_CONFIG with a sentence that names listener and setting, also
 * when two have one name or one address, or when clients could not be told where to connect to.
 */
export function listenerConfigs(listeners: readonly ListenerConfig[]): CompleteListenerConfig[] {
  if (listeners.length === 0) throw invalid('There is no listener: name at least one.')
  const names = new Set<string>()
  const addresses = new Set<string>()
  return listeners.map(given => {
    const listener = check(given)
    const { name, host, port } = listener
    if (names.has(name)) throw invalid(`Two listeners are named ${name}: give one another name.`)
    names.add(name)
    const address = `${host}:${port}`
    if (port !== 0 && addresses.has(address)) {
      throw invalid(`Two listeners use ${address}: give the listener ${name} another port.`)
    }
    addresses.add(address)
    return listener
  })
}

function check(given: ListenerConfig): CompleteListenerConfig {
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const setting = issue?.path.join('.') || 'given'
    throw invalid(
      `The setting ${setting} of the listener ${given.name} cannot be used: ${issue?.message ?? 'it is not valid'}.`,
    )
  }
  const { name, host, advertisedHost } = parsed.data
  if (allInterfaces.has(host) && advertisedHost === undefined) {
    throw invalid(
      `The listener ${name} on ${host} needs advertisedHost: the host name under which clients reach this machine.`,
    )
  }
  return parsed.data
}

const invalid = (message: string): MillraceError => new MillraceError('INVALID_CONFIG', message)

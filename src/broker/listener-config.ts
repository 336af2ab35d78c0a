import { z } from 'zod'
import { checkSettings, SettingRefused } from './setting-refused.ts'
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
export type CompleteListenerConfig = z.infer<typeof listenerConfigSchema>

const allInterfaces = new Set(['0.0.0.0', '::'])

export const listenerConfigSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'use letters, digits, _ and -'),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65535).default(0),
  advertisedHost: z.string().min(1).optional(),
  advertisedPort: z.int().min(1).max(65535).optional(),
  tls: tlsConfigSchema.optional(),
})

/**
 * Checks listeners and fills in defaults. Throws SettingRefused with a sentence that names listener and setting, also
 * when two have one name or one address, or when clients could not be told where to connect to.
 */
export function listenerConfigs(
  listeners: readonly z.input<typeof listenerConfigSchema>[],
): CompleteListenerConfig[] {
  if (listeners.length === 0)
    throw refused(['listeners'], 'There is no listener: name at least one.')
  const names = new Set<string>()
  const addresses = new Set<string>()
  return listeners.map((given, index) => {
    const path = ['listeners', index]
    const what = `Of the listener ${given.name} the setting`
    const listener = checkSettings(listenerConfigSchema, given, what)
    const { name, host, port, advertisedHost } = listener
    if (names.has(name)) {
      throw refused([...path, 'name'], `Two listeners are named ${name}: give one another name.`)
    }
    names.add(name)
    const address = `${host}:${port}`
    if (port !== 0 && addresses.has(address)) {
      throw refused(
        [...path, 'port'],
        `Two listeners use ${address}: give the listener ${name} another port.`,
      )
    }
    addresses.add(address)
    if (allInterfaces.has(host) && advertisedHost === undefined) {
      throw refused(
        [...path, 'host'],
        `The listener ${name} on ${host} needs advertisedHost: the host name under which clients reach this machine.`,
      )
    }
    return listener
  })
}

const refused = (path: readonly PropertyKey[], message: string): SettingRefused =>
  new SettingRefused(path, message)

import { z } from 'zod'
import { SettingRefused } from './setting-refused.ts'
import { type SaslMechanism, saslMechanisms } from './security/sasl-exchange.ts'
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
  /**
   * Mechanisms by which clients must log in. PLAIN shows passwords to whoever reads along, so use it with `tls`; SCRAM
   * proves to know them. @defaultValue clients need not log in
   */
  readonly sasl?: readonly SaslMechanism[]
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
  sasl: z.array(z.enum(saslMechanisms)).readonly().default([]),
})

/**
 * Throws SettingRefused when two listeners have one name or one address, or when clients could not be told where to
 * connect to.
 */
export function checkListeners(listeners: readonly CompleteListenerConfig[]): void {
  const names = new Set<string>()
  const addresses = new Set<string>()
  for (const [index, { name, host, port, advertisedHost }] of listeners.entries()) {
    const refused = (setting: string, message: string): SettingRefused =>
      new SettingRefused(['listeners', index, setting], message)
    if (names.has(name)) {
      throw refused('name', `Two listeners are named ${name}: give one another name.`)
    }
    names.add(name)
    const address = `${host}:${port}`
    if (port !== 0 && addresses.has(address)) {
      throw refused('port', `Two listeners use ${address}: give the listener ${name} another port.`)
    }
    addresses.add(address)
    if (allInterfaces.has(host) && advertisedHost === undefined) {
      throw refused(
        'host',
        `The listener ${name} on ${host} needs advertisedHost: the host name under which clients reach this machine.`,
      )
    }
  }
}

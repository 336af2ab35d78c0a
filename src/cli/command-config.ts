import { dirname, resolve } from 'node:path'
import { MillraceError } from '../errors.ts'
import type { Files } from '../platform/platform.ts'
import { type ConnectionSettings, saslMechanisms } from './connection-settings.ts'

/** What a properties file says about security. */
export interface CommandConfig {
  isEncrypted?: boolean
  /** Whether `security.protocol` asks for a login. */
  logsIn?: boolean
  ca?: string
  cert?: string
  key?: string
  mechanism?: NonNullable<ConnectionSettings['sasl']>['mechanism']
  username?: string
  password?: string
}

/** What each property does; throws, as a sentence, why its value cannot be used. `read` gives a file's content. */
const properties: Readonly<
  Record<string, (config: CommandConfig, value: string, read: (path: string) => string) => void>
> = {
  'security.protocol'(config, value) {
    const [, login, encrypted] = /^(SASL_)?(?:PLAINTEXT|(SSL))$/.exec(value.toUpperCase()) ?? []
    if (!/^(SASL_)?(PLAINTEXT|SSL)$/i.test(value)) {
      throw unusable('It is one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL.')
    }
    config.logsIn = login !== undefined
    config.isEncrypted = encrypted !== undefined
  },
  'sasl.mechanism': setMechanism,
  'sasl.mechanisms': setMechanism,
  'sasl.username': (config, value) => void (config.username = value),
  'sasl.password': (config, value) => void (config.password = value),
  'sasl.jaas.config'(config, value) {
    const quoted = (name: string): string | undefined =>
      new RegExp(`\\b${name}="((?:[^"\\\\]|\\\\.)*)"`).exec(value)?.[1]?.replaceAll(/\\(.)/g, '$1')
    const [username, password] = [quoted('username'), quoted('password')]
    if (username === undefined || password === undefined) {
      throw unusable('It must hold username="…" and password="…".')
    }
    config.username = username
    config.password = password
  },
  'ssl.ca.location': (config, value, read) => void (config.ca = read(value)),
  'ssl.certificate.location': (config, value, read) => void (config.cert = read(value)),
  'ssl.key.location': (config, value, read) => void (config.key = read(value)),
  'ssl.truststore.location': (config, value, read) => void (config.ca = read(value)),
  'ssl.truststore.type': requirePem,
  'ssl.keystore.location'(config, value, read) {
    config.cert = read(value)
    config.key = config.cert
  },
  'ssl.keystore.type': requirePem,
}

/**
 * Reads a file as Kafka's own tools take it for `--command-config`, under the names of Java clients and of librdkafka; paths
 * in it count from its folder. Throws INVALID_CONFIG with file and line. No value is ever part of a message: it may be a
 * password.
 */
export function readCommandConfig(path: string, files: Files): CommandConfig {
  const content = files.read(path)
  if (content === undefined) throw invalid(`There is no file ${path}. Check --command-config.`)
  const config: CommandConfig = {}
  const read = (named: string): string => {
    const file = files.read(resolve(dirname(path), named))
    if (file === undefined) throw unusable('There is no such file.')
    return file.toString()
  }
  for (const { name, value, line } of parseProperties(content.toString())) {
    const set = properties[name]
    if (set === undefined) {
      const known = Object.keys(properties).join(', ')
      throw invalid(`${path}:${line}: The property ${name} is not known. There are ${known}.`)
    }
    try {
      set(config, value, read)
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      throw invalid(`${path}:${line}: The value of ${name} cannot be used. ${error.message}`)
    }
  }
  return config
}

function setMechanism(config: CommandConfig, value: string): void {
  const mechanism = saslMechanisms.find(each => each === value)
  if (mechanism === undefined) throw unusable(`It is one of ${saslMechanisms.join(', ')}.`)
  config.mechanism = mechanism
}

function requirePem(_config: CommandConfig, value: string): void {
  if (value !== 'PEM')
    throw unusable('Only PEM can be read; keytool and openssl make it of others.')
}

interface Property {
  readonly name: string
  readonly value: string
  /** Where it begins, from 1. */
  readonly line: number
}

/** Java's properties: comments begin with # or !, and a backslash at the end of a line joins it to the next. */
export function parseProperties(text: string): Property[] {
  const found: Property[] = []
  const lines = text.split(/\r?\n/)
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1
    let content = (lines[index] ?? '').trim()
    if (content === '' || /^[#!]/.test(content)) continue
    while (/(?<!\\)(?:\\\\)*\\$/.test(content) && index + 1 < lines.length) {
      index++
      content = content.slice(0, -1) + (lines[index] ?? '').trim()
    }
    const [, name = content, value = ''] = /^([^=:\s]+)\s*[=:\s]\s*(.*)$/.exec(content) ?? []
    found.push({ name, value, line })
  }
  return found
}

const invalid = (message: string): MillraceError => new MillraceError('INVALID_CONFIG', message)
const unusable = invalid

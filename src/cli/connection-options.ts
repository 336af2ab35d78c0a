/**
 * The flags of every command that connects to a cluster. What is secret is never one of them, because everybody on the
 * machine can list the arguments of a process: passwords come from a file or from the environment.
 */
import { resolve } from 'node:path'
import process from 'node:process'
import { type Command, Option } from 'commander'
import { MillraceError } from '../errors.ts'
import type { Address, Files } from '../platform/platform.ts'
import { readCommandConfig } from './command-config.ts'
import { type ConnectionSettings, saslMechanisms } from './connection-settings.ts'
import { parseBrokers } from './options.ts'

export interface ConnectionOptions {
  readonly brokers: Address[]
  readonly commandConfig?: string
  readonly tls?: true
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly saslMechanism?: (typeof saslMechanisms)[number]
  readonly saslUsername?: string
}

export const passwordVariable = 'MILLRACE_SASL_PASSWORD'

export function addConnectionOptions(command: Command): Command {
  return command
    .requiredOption('--brokers <host:port,…>', 'brokers to find the cluster by', parseBrokers)
    .option('--command-config <file>', 'security settings, as a properties file of Kafka’s tools')
    .option('--tls', 'encrypt connections; the other --tls flags imply it')
    .option('--tls-ca <file>', 'certificates to believe (PEM) instead of those that Node brings')
    .option('--tls-cert <file>', 'own certificate (PEM), where the brokers want one')
    .option('--tls-key <file>', 'its key (PEM)')
    .addOption(
      new Option('--sasl-mechanism <mechanism>', 'how to log in').choices([...saslMechanisms]),
    )
    .option('--sasl-username <name>', `who logs in; the password is in ${passwordVariable}`)
}

/**
 * Puts flags, environment and file together, the first ones winning. Throws INVALID_CONFIG for what is missing or cannot be
 * read.
 */
export function connectionOf(options: ConnectionOptions, files: Files): ConnectionSettings {
  const { brokers, commandConfig } = options
  const given = commandConfig === undefined ? {} : readCommandConfig(absolute(commandConfig), files)
  const pem = (path: string | undefined, flag: string): string | undefined =>
    path === undefined ? undefined : read(path, flag, files)
  const tls = withoutUndefined({
    ca: pem(options.tlsCa, '--tls-ca') ?? given.ca,
    cert: pem(options.tlsCert, '--tls-cert') ?? given.cert,
    key: pem(options.tlsKey, '--tls-key') ?? given.key,
  })
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new MillraceError(
      'INVALID_CONFIG',
      'A certificate of one’s own and its key go together: give both --tls-cert and --tls-key.',
    )
  }
  const asksForTls = [options.tlsCa, options.tlsCert, options.tlsKey].some(
    flag => flag !== undefined,
  )
  const isEncrypted =
    options.tls ?? (asksForTls || (given.isEncrypted ?? Object.keys(tls).length > 0))
  const sasl = saslOf(options, given)
  return { brokers, ...(isEncrypted && { tls }), ...(sasl !== undefined && { sasl }) }
}

function saslOf(
  options: ConnectionOptions,
  given: ReturnType<typeof readCommandConfig>,
): ConnectionSettings['sasl'] {
  const mechanism = options.saslMechanism ?? given.mechanism
  const username = options.saslUsername ?? given.username
  const password = process.env[passwordVariable] ?? given.password
  if (mechanism === undefined) {
    if (options.saslUsername === undefined && given.logsIn !== true) return undefined
    throw new MillraceError(
      'INVALID_CONFIG',
      `To log in takes --sasl-mechanism, one of ${saslMechanisms.join(', ')}.`,
    )
  }
  if (username === undefined || password === undefined) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `To log in by ${mechanism} takes --sasl-username, and the password in the environment variable ` +
        `${passwordVariable}, or sasl.username and sasl.password in the file of --command-config.`,
    )
  }
  return { mechanism, username, password }
}

function read(path: string, flag: string, files: Files): string {
  const content = files.read(absolute(path))
  if (content !== undefined) return content.toString()
  throw new MillraceError('INVALID_CONFIG', `${flag}: There is no file ${absolute(path)}.`)
}

const absolute = (path: string): string => resolve(process.cwd(), path)

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

function withoutUndefined<T extends object>(given: T): Defined<T> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  // Nothing was changed but what is left out.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(entries) as Defined<T>
}

import { MillraceError } from '../errors.ts'

/**
 * How instances of an application run. Given with the app, and overruled where one is started. Kafka Streams'
 * `StreamsConfig`; what tasks do with records is in `TaskConfig`.
 */
export interface StreamsConfig {
  /**
   * Longest time in milliseconds between two commits. Results are visible in output topics from the commit on, as they
   * are in Kafka Streams under exactly_once_v2, whose default this is; each commit costs a few milliseconds.
   * @defaultValue 100
   */
  readonly commitIntervalMs?: number
  /**
   * How often, in milliseconds, an application whose sources have patterns looks for topics that match them: it then has its
   * tasks shared out anew. Kafka's `metadata.max.age.ms`.
   * @defaultValue 300_000
   */
  readonly metadataMaxAgeMs?: number
}

/** A `StreamsConfig` with every default resolved. */
export type ResolvedStreamsConfig = Required<StreamsConfig>

/** What was given with the app, overruled by what was given later. Throws INVALID_CONFIG for what cannot work. */
export function resolveStreamsConfig(
  app: StreamsConfig,
  overruling: StreamsConfig = {},
): ResolvedStreamsConfig {
  const of = <Name extends keyof StreamsConfig>(name: Name): StreamsConfig[Name] =>
    overruling[name] ?? app[name]
  const config: ResolvedStreamsConfig = {
    commitIntervalMs: of('commitIntervalMs') ?? 100,
    metadataMaxAgeMs: of('metadataMaxAgeMs') ?? 300_000,
  }
  requireMilliseconds('commitIntervalMs', config.commitIntervalMs)
  requireMilliseconds('metadataMaxAgeMs', config.metadataMaxAgeMs)
  return config
}

function requireMilliseconds(name: keyof StreamsConfig, value: number): void {
  if (value >= 0 && Number.isFinite(value)) return
  throw new MillraceError(
    'INVALID_CONFIG',
    `${name} is ${value}. Give a number of milliseconds that is not negative.`,
  )
}

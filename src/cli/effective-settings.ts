import { stringify } from 'yaml'
import type { BrokerSettings } from './broker-settings.ts'

/** The settings in force as a configuration file, each with who said so; passwords and the like are not shown. */
export function effectiveSettings({ options, logLevel, sources }: BrokerSettings): string {
  const { config, data, listeners, topics, users, metrics } = options
  const plainTopics = topics.map(({ configs, ...topic }) => ({
    ...topic,
    configs: Object.fromEntries(configs),
  }))
  const settings = { data, listeners, metrics, topics: plainTopics, users, logLevel, ...config }
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const text = stringify({ [name]: hideSecrets(value) })
      return text.replace('\n', `  # ${sourceOf(name, sources)}\n`)
    })
    .join('')
}

/** One listener may have been given by its parts. */
function sourceOf(name: string, sources: ReadonlyMap<string, string>): string {
  const parts = name === 'listeners' ? ['listeners', 'host', 'port', 'advertisedHost'] : [name]
  const places = parts.flatMap(part => sources.get(part) ?? [])
  return places.length === 0 ? 'default' : places.join(', ')
}

function hideSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideSecrets)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      /password|secret/i.test(name) ? '(hidden)' : hideSecrets(each),
    ]),
  )
}

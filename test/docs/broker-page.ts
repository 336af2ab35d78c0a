/** What docs/broker.md takes from the code. Run, it brings the page up to date: see the message of its test. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { metricDefinitions } from '../../src/broker/metrics/metric-definitions.ts'
import { handlers } from '../../src/broker/api/index.ts'
import { brokerSettings } from '../../src/broker/config.ts'
import { root } from './extract.ts'

/** The parts of docs/broker.md that follow from tables in the code, by the name in the comment before them. */
export const generatedParts: Readonly<Record<string, () => string[]>> = {
  settings: () =>
    brokerSettings.map(({ name, kafkaName, defaultValue, documentation }) => {
      const kafka = kafkaName === null ? '' : `, Kafka: \`${kafkaName}\``
      return `- \`${name}\` (default ${shown(defaultValue)}${kafka}): ${documentation}`
    }),
  metrics: () =>
    metricDefinitions.map(({ name, labels, type, help }) => {
      const by = labels.length === 0 ? '' : `{${labels.join()}}`
      return `- \`${name}${by}\` (${type}): ${help}.`
    }),
  apis: () =>
    [...handlers.values()]
      .sort((a, b) => a.key - b.key)
      .map(({ key, name, minVersion, maxVersion }) => {
        const versions =
          minVersion === maxVersion ? `${minVersion}` : `${minVersion} to ${maxVersion}`
        return `- ${name} (${key}): ${versions}`
      }),
}

/** The page with these parts as they should be. */
export function withGeneratedParts(page: string, parts = generatedParts): string {
  return page.replaceAll(/(<!-- (\w+) -->)[^]*?(<!-- end -->)/g, (_, start, name, end) => {
    const lines = parts[String(name)]?.() ?? [`There is no part ${String(name)}.`]
    return `${start}\n\n${lines.join('\n')}\n\n${end}`
  })
}

function shown(value: unknown): string {
  return Array.isArray(value) && value.length === 0 ? 'none' : String(value)
}

if (import.meta.main) {
  const path = join(root, 'docs/broker.md')
  writeFileSync(path, withGeneratedParts(readFileSync(path, 'utf8')))
}

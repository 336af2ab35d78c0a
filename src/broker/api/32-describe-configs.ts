/**
 * DescribeConfigs: settings of topics and of the broker.
 *
 * Versions: 1-4.
 *
 * Behaviour: topics (type 2) with all settings that this broker knows and where each value comes from; the broker (type 4,
 * named by its id) with what it was started with, read-only. Null or no keys ask for all. The default of a topic's
 * setting is told under the broker's name for it, as `log.retention.ms` for `retention.ms`. Without a name, the
 * broker's type stands for what all brokers were told while they run, which is nothing here.
 *
 * Differs from Apache Kafka: other kinds of resources, and one that is named twice, are refused with INVALID_REQUEST. A setting that this broker does not
 * know is not listed.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import type { Infer, InferInput } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'
import { describeBrokerConfigs } from './broker-config-entries.ts'
import { namedOnce } from './alter-form.ts'
import { checkConfigAccess, resourceType } from './config-resource.ts'
import { type ConfigEntry, configSource, describeTopicConfigs } from './topic-config-entries.ts'

type Request = Infer<typeof describeConfigs.request>
type Resource = Request['resources'][number]
type Answer = InferInput<typeof describeConfigs.response>['results'][number]

export const describeConfigsHandler: ApiHandler = apiHandler(
  describeConfigs,
  { min: 1, max: 4 },
  (broker, request, context) => {
    const checkNames = namedOnce(request.resources)
    return {
      results: request.resources.map(resource =>
        describe(broker, request, { resource, checkNames }, context),
      ),
    }
  },
)

function describe(
  broker: Broker,
  request: Request,
  { resource, checkNames }: { resource: Resource; checkNames: (resource: Resource) => void },
  context: RequestContext,
): Answer {
  const { resourceName, configurationKeys: keys } = resource
  try {
    checkConfigAccess(broker, context, resource, needed.describeConfigs)
    checkNames(resource)
    const entries = entriesOf(broker, resource.resourceType, resourceName)
    return {
      errorCode: errorCode.NONE,
      resourceType: resource.resourceType,
      resourceName,
      configs: entries
        .filter(({ name }) => keys === null || keys.length === 0 || keys.includes(name))
        .map(entry => ({
          ...entry,
          synonyms: request.includeSynonyms ? synonymsOf(entry) : [],
          documentation: request.includeDocumentation ? entry.documentation : null,
        })),
    }
  } catch (error) {
    return {
      ...answerTo(error, broker.logger),
      resourceType: resource.resourceType,
      resourceName,
      configs: [],
    }
  }
}

function entriesOf(broker: Broker, type: number, name: string): ConfigEntry[] {
  if (type === resourceType.topic) {
    const topic = broker.topics.get(name)
    if (topic !== undefined) return describeTopicConfigs(topic.configs)
    throw new RequestRefused(
      errorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `There is no topic ${JSON.stringify(name)}.`,
    )
  }
  if (type === resourceType.broker && name === '') return []
  if (type === resourceType.broker && name === String(broker.nodeId)) {
    return describeBrokerConfigs(broker.config)
  }
  throw new RequestRefused(
    errorCode.INVALID_REQUEST,
    `Settings of resource type ${type} named ${JSON.stringify(name)} are not kept here: ask for topics, or for broker ${broker.nodeId}.`,
  )
}

/** Where the value would come from, the most specific place first. */
function synonymsOf(entry: ConfigEntry): Answer['configs'][number]['synonyms'] {
  const { name, value, defaultName, defaultValue } = entry
  const own = { name, value, source: entry.configSource }
  const fallback = { name: defaultName ?? '', value: defaultValue, source: configSource.default }
  return [
    ...(entry.configSource === configSource.default ? [] : [own]),
    ...(defaultName === null ? [] : [fallback]),
  ]
}

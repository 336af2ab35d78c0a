/**
 * IncrementalAlterConfigs: changes single settings of topics.
 *
 * Versions: 0-1.
 *
 * Behaviour: set (0), delete (1, back to the default), and for lists append (2) and subtract (3). In force and durable when
 * answered. A resource or a setting that is named twice, and one without a value, is refused with INVALID_REQUEST.
 *
 * Differs from Apache Kafka: settings of the broker and of its internal topics are given when it is started; changing
 * them is INVALID_REQUEST. To delete settings of the broker changes nothing and is granted: tools clear throttles so.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { incrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import type { Infer } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import { topicConfigDefinitions } from '../topic-config-definitions.ts'
import { checkTopicConfigs, type TopicConfigs } from '../topic-configs.ts'
import { alterForm, noValue } from './alter-form.ts'
import { alterableTopic } from './alterable-topic.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { checkConfigAccess } from './config-resource.ts'
import { resourceType } from './config-resource.ts'

type Resource = Infer<typeof incrementalAlterConfigs.request>['resources'][number]
type Change = Resource['configs'][number]

export const incrementalAlterConfigsHandler: ApiHandler = apiHandler(
  incrementalAlterConfigs,
  { min: 0, max: 1 },
  async (broker, request, context) => {
    const checkForm = alterForm(request.resources)
    const responses = request.resources.map(async resource => {
      const { resourceType: type, resourceName, configs } = resource
      try {
        checkConfigAccess(broker, context, resource, needed.incrementalAlterConfigs)
        checkForm(resource)
        if (changesNothing(broker, resource)) {
          return { errorCode: errorCode.NONE, resourceType: type, resourceName }
        }
        const topic = alterableTopic(broker, type, resourceName)
        changed(topic.configs, configs)
        if (!request.validateOnly) {
          await broker.topics.configure(resourceName, before => changed(before, configs))
        }
        return { errorCode: errorCode.NONE, resourceType: type, resourceName }
      } catch (error) {
        return { ...answerTo(error, broker.logger), resourceType: type, resourceName }
      }
    })
    return { responses: await Promise.all(responses) }
  },
)

/** The broker has no settings that could be deleted while it runs. */
function changesNothing(broker: Broker, resource: Resource): boolean {
  const { resourceName: name, configs } = resource
  return (
    resource.resourceType === resourceType.broker &&
    (name === '' || name === String(broker.nodeId)) &&
    configs.every(({ configOperation }) => configOperation === DELETE)
  )
}

/** Settings after the changes. Throws RequestRefused INVALID_CONFIG or INVALID_REQUEST. */
function changed(before: TopicConfigs, changes: readonly Change[]): TopicConfigs {
  const after = new Map(before)
  for (const { name, configOperation, value } of changes) {
    const definition = topicConfigDefinitions.find(known => known.name === name)
    if (value === null && configOperation !== DELETE) throw noValue(name)
    switch (configOperation) {
      case SET:
        after.set(name, checkTopicConfigs([{ name, value }]).get(name) ?? '')
        break
      case DELETE:
        after.delete(name)
        break
      case APPEND:
      case SUBTRACT: {
        if (definition?.type !== 'list') {
          throw new RequestRefused(
            errorCode.INVALID_CONFIG,
            `The setting ${name} is not a list: it can be set, and nothing appended or subtracted.`,
          )
        }
        const changes = (value ?? '').split(',')
        const rest = (after.get(name) ?? definition.defaultValue)
          .split(',')
          .filter(item => item !== '' && !changes.includes(item))
        after.set(name, (configOperation === APPEND ? [...rest, ...changes] : rest).join(','))
        break
      }
      default:
        throw new RequestRefused(
          errorCode.INVALID_REQUEST,
          `There is no operation ${configOperation} on settings.`,
        )
    }
  }
  return checkTopicConfigs([...after].map(([name, value]) => ({ name, value })))
}

const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

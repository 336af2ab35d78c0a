/**
 * AlterConfigs: replaces all settings of topics by the given ones; what is not given goes back to its default.
 *
 * Versions: 0-2.
 *
 * Behaviour: in force and durable when answered. Settings that the broker does not know are refused with INVALID_CONFIG, a
 * resource or a setting that is named twice, and one without a value, with INVALID_REQUEST.
 *
 * Differs from Apache Kafka: settings of the broker and of its internal topics are given when it is started; changing
 * them is INVALID_REQUEST.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { alterConfigs } from '../../protocol/messages/33-alter-configs.ts'
import { answerTo } from '../request-refused.ts'
import { checkTopicConfigs } from '../topic-configs.ts'
import { alterForm, noValue } from './alter-form.ts'
import { alterableTopic } from './alterable-topic.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { checkConfigAccess } from './config-resource.ts'

export const alterConfigsHandler: ApiHandler = apiHandler(
  alterConfigs,
  { min: 0, max: 2 },
  async (broker, request, context) => {
    const checkForm = alterForm(request.resources)
    const responses = request.resources.map(async resource => {
      const { resourceType, resourceName, configs } = resource
      try {
        checkConfigAccess(broker, context, resource, needed.alterConfigs)
        checkForm(resource)
        for (const { name, value } of configs) if (value === null) throw noValue(name)
        alterableTopic(broker, resourceType, resourceName)
        const checked = checkTopicConfigs(configs)
        if (!request.validateOnly) await broker.topics.configure(resourceName, () => checked)
        return { errorCode: errorCode.NONE, resourceType, resourceName }
      } catch (error) {
        return { ...answerTo(error, broker.logger), resourceType, resourceName }
      }
    })
    return { responses: await Promise.all(responses) }
  },
)

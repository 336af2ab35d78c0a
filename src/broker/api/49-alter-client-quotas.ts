/**
 * AlterClientQuotas: sets and removes how many bytes per second users and client ids may produce and consume.
 *
 * Versions: 0-1.
 *
 * Behaviour: entities are checked one by one; what is right is stored in one step, durable when it is answered.
 *
 * Differs from Apache Kafka: `producer_byte_rate` and `consumer_byte_rate` only. `request_percentage` is about threads, of
 * which there is one here, and `controller_mutation_rate` and `connection_creation_rate` are not enforced either: they are
 * refused with INVALID_REQUEST.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { alterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts'
import type { Infer } from '../../protocol/schema.ts'
import { isQuotaType, type QuotaChange, type QuotaType } from '../quotas/client-quotas.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { checkAuthorized } from './check-authorized.ts'
import { type EntityName, entityOf } from './quota-entity-names.ts'

type Entry = Infer<typeof alterClientQuotas.request>['entries'][number]
interface Answer {
  errorCode: number
  errorMessage: string | null
  readonly entity: readonly EntityName[]
}

export const alterClientQuotasHandler: ApiHandler = apiHandler(
  alterClientQuotas,
  { min: 0, max: 1 },
  async (broker, { entries, validateOnly }, context) => {
    const changes: QuotaChange[] = []
    const accepted: Answer[] = []
    const answers = entries.map(entry => {
      const answer: Answer = { errorCode: errorCode.NONE, errorMessage: null, entity: entry.entity }
      try {
        checkAuthorized(broker, context, needed.alterClientQuotas.cluster, clusterName)
        changes.push(changeOf(entry))
        accepted.push(answer)
      } catch (error) {
        Object.assign(answer, answerTo(error, broker.logger))
      }
      return answer
    })
    if (!validateOnly && changes.length > 0) {
      try {
        await broker.clientQuotas.alter(changes)
      } catch (error) {
        for (const answer of accepted) Object.assign(answer, answerTo(error, broker.logger))
      }
    }
    return { entries: answers }
  },
)

function changeOf({ entity, ops }: Entry): QuotaChange {
  const values: Partial<Record<QuotaType, number | null>> = {}
  for (const { key, value, remove } of ops) {
    if (!isQuotaType(key)) {
      throw new RequestRefused(
        errorCode.INVALID_REQUEST,
        `The quota ${key} is not enforced by this broker: use producer_byte_rate or consumer_byte_rate.`,
      )
    }
    if (!remove && !(value > 0 && Number.isFinite(value))) {
      throw new RequestRefused(
        errorCode.INVALID_REQUEST,
        `The quota ${key} must be greater than 0.`,
      )
    }
    values[key] = remove ? null : value
  }
  return { entity: entityOf(entity), values }
}

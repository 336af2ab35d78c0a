import { errorCode } from '../../protocol/error-codes.ts'
import { RequestRefused } from '../request-refused.ts'
import { repeats } from './each-once.ts'

interface Resource {
  readonly resourceType: number
  readonly resourceName: string
}

interface Alteration extends Resource {
  readonly configs: readonly { readonly name: string }[]
}

/**
 * Checks the form of a request that changes settings: the result throws RequestRefused INVALID_REQUEST for a resource that
 * the request names twice, or in which a setting is named twice, because which of the two was meant nobody knows.
 * (Kafka: ConfigAdminManager.preprocess.)
 */
export function alterForm(resources: readonly Alteration[]): (resource: Alteration) => void {
  const checkNames = namedOnce(resources)
  return resource => {
    checkNames(resource)
    const [twice] = repeats(resource.configs.map(({ name }) => name))
    if (twice !== undefined) {
      throw new RequestRefused(
        errorCode.INVALID_REQUEST,
        `The request names the setting ${JSON.stringify(twice)} of ${JSON.stringify(resource.resourceName)} twice: name it once.`,
      )
    }
  }
}

/** The result throws RequestRefused INVALID_REQUEST for a resource that the request names twice. */
export function namedOnce(resources: readonly Resource[]): (resource: Resource) => void {
  const keyOf = ({ resourceType, resourceName }: Resource): string =>
    `${resourceType} ${resourceName}`
  const repeated = repeats(resources.map(keyOf))
  return resource => {
    if (!repeated.has(keyOf(resource))) return
    throw new RequestRefused(
      errorCode.INVALID_REQUEST,
      `The request names ${JSON.stringify(resource.resourceName)} twice: name each resource once.`,
    )
  }
}

/** For a setting to which a request gives no value. */
export function noValue(name: string): RequestRefused {
  return new RequestRefused(
    errorCode.INVALID_REQUEST,
    `The setting ${JSON.stringify(name)} needs a value: to go back to its default, delete it.`,
  )
}

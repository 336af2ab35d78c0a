import { errorCode } from '../../protocol/error-codes.ts'
import { RequestRefused } from '../request-refused.ts'

interface Alteration {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly { readonly name: string }[]
}

/**
 * Checks the form of a request that changes settings: the result throws RequestRefused INVALID_REQUEST for a resource that
 * the request names twice, or in which a setting is named twice, because which of the two was meant nobody knows.
 * (Kafka: ConfigAdminManager.preprocess.)
 */
export function alterForm(resources: readonly Alteration[]): (resource: Alteration) => void {
  const keyOf = ({ resourceType, resourceName }: Alteration): string =>
    `${resourceType} ${resourceName}`
  const repeated = repeats(resources.map(keyOf))
  return resource => {
    if (repeated.has(keyOf(resource))) {
      throw new RequestRefused(
        errorCode.INVALID_REQUEST,
        `The request names ${JSON.stringify(resource.resourceName)} twice: name each resource once.`,
      )
    }
    const [twice] = repeats(resource.configs.map(({ name }) => name))
    if (twice !== undefined) {
      throw new RequestRefused(
        errorCode.INVALID_REQUEST,
        `The request names the setting ${JSON.stringify(twice)} of ${JSON.stringify(resource.resourceName)} twice: name it once.`,
      )
    }
  }
}

/** For a setting to which a request gives no value. */
export function noValue(name: string): RequestRefused {
  return new RequestRefused(
    errorCode.INVALID_REQUEST,
    `The setting ${JSON.stringify(name)} needs a value: to go back to its default, delete it.`,
  )
}

function repeats(names: readonly string[]): Set<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const name of names) (seen.has(name) ? twice : seen).add(name)
  return twice
}

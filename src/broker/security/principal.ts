/** Who a client is, once it has proved it. Kafka: KafkaPrincipal. */
export interface Principal {
  readonly type: 'User'
  readonly name: string
}

/** A client that has not proved anything. */
export const anonymous: Principal = { type: 'User', name: 'ANONYMOUS' }

/** Code in the broker's own process: known by being this object, since anybody may be called so. */
export const inProcess: Principal = { type: 'User', name: 'in-process' }

/** As access rules and settings name it. */
export function principalText({ type, name }: Principal): string {
  return `${type}:${name}`
}

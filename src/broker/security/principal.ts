/** Who a client is, once it has proved it. Kafka: KafkaPrincipal. */
export interface Principal {
  readonly type: 'User'
  readonly name: string
}

/** A client that has not proved anything. */
export const anonymous: Principal = { type: 'User', name: 'ANONYMOUS' }

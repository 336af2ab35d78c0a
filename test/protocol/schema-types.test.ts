/** What the types of messages promise; checked by the type checker. */
import { expectTypeOf, test } from 'vitest'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import type { Api, Infer, InferInput } from '../../src/protocol/schema.ts'

test('decoding gives every field', () => {
  expectTypeOf<Infer<typeof heartbeat.request>>().toEqualTypeOf<{
    groupId: string
    generationId: number
    memberId: string
    groupInstanceId: string | null
  }>()
})

test('encoding may leave out what has a default', () => {
  expectTypeOf<InferInput<typeof heartbeat.request>>().toEqualTypeOf<{
    readonly groupId: string
    readonly generationId: number
    readonly memberId: string
    readonly groupInstanceId?: string | null | undefined
  }>()
})

test('a connection infers body and answer from the API', () => {
  const request = <Request, Response>(
    _api: Api<Request, Response>,
    _body: NoInfer<Request>,
  ): Response | undefined => undefined
  const answer = request(produce, { transactionalId: null, acks: 1, timeoutMs: 1, topicData: [] })
  expectTypeOf(answer?.responses[0]?.partitionResponses[0]?.baseOffset).toEqualTypeOf<
    number | undefined
  >()
  // @ts-expect-error acks is missing
  request(produce, { transactionalId: null, timeoutMs: 1, topicData: [] })
  // @ts-expect-error no such field
  request(heartbeat, { groupId: 'g', generationId: 1, memberId: 'm', nonsense: 1 })
})

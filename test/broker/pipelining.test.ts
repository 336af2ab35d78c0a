/** Produce requests that a client has in flight share a flush of the disk, and everything else is served in its turn. */
import { expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { nodePlatform } from '../../src/index.ts'
import type { Files, Platform } from '../../src/platform/platform.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/frame.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { Peer } from './peer.ts'
import { createTopic, produceFrame } from './produce-requests.ts'

/** Node's platform, whose files become durable when the test says so. */
interface HeldSyncs {
  readonly platform: Platform
  readonly held: (() => void)[]
  readonly hold: () => void
  readonly letGo: () => void
}

function withHeldSyncs(): HeldSyncs {
  const platform = nodePlatform()
  const held: (() => void)[] = []
  let isHolding = false
  const files: Files = {
    ...platform.files,
    open(path, options) {
      const file = platform.files.open(path, options)
      return {
        path: file.path,
        size: () => file.size(),
        write: (bytes, position) => file.write(bytes, position),
        writev: (chunks, position) => file.writev(chunks, position),
        read: (...where) => file.read(...where),
        truncate: size => file.truncate(size),
        close: () => file.close(),
        async sync() {
          await file.sync()
          if (isHolding) await new Promise<void>(resolve => held.push(resolve))
        },
      }
    },
  }
  return {
    platform: { ...platform, files },
    held,
    hold: () => void (isHolding = true),
    letGo() {
      isHolding = false
      for (const release of held.splice(0)) release()
    },
  }
}

/** Resolves when everything that was sent before over another connection is served. */
async function settled(broker: RunningBroker): Promise<void> {
  const peer = await Peer.open(broker.address)
  for (let round = 0; round < 20; round++) await peer.ask(metadata, 4, { topics: [] })
  await peer.close()
}

test('five requests in flight share flushes, and are answered in order', async () => {
  const { platform, held, hold, letGo } = withHeldSyncs()
  await using broker = await startBroker({ platform })
  const peer = await Peer.open(broker.address)
  await createTopic(peer, 't')
  hold()
  for (let id = 0; id < 5; id++) {
    peer.socket.write(produceFrame({ correlationId: 10 + id, topic: 't' }))
    await settled(broker)
  }
  // What is not durable is not answered, and what comes behind is not either, though it needs no flush.
  peer.socket.write(produceFrame({ correlationId: 15, topic: 't', acks: 1 }))
  peer.socket.write(
    encodeRequest(metadata, 4, { correlationId: 16, clientId: null }, { topics: [] }),
  )
  peer.socket.write(produceFrame({ correlationId: 17, topic: 't' }))
  while (held.length === 0) await settled(broker)
  expect(held).toHaveLength(1)

  let flushes = 0
  const answered = new AbortController()
  const releasing = (async () => {
    while (!answered.signal.aborted) {
      await settled(broker)
      if (held.length > 0) flushes++
      held.shift()?.()
    }
  })()
  const offsets: unknown[] = []
  for (let id = 10; id < 18; id++) {
    const frame = await peer.next()
    expect(frame.readInt32BE(0)).toBe(id)
    if (id === 16) continue
    const { responses } = decodeResponse(produce, 7, frame)
    offsets.push(responses[0]?.partitionResponses[0]?.baseOffset)
  }
  answered.abort()
  await releasing
  expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6])
  // For the first; for those that came meanwhile; for the last, which waited behind Metadata. Perhaps for the sixth.
  expect(flushes).toBeLessThanOrEqual(4)
  letGo()
  await peer.close()
})

test('a request of another kind waits for the Produce before it', async () => {
  const { platform, held, hold, letGo } = withHeldSyncs()
  await using broker = await startBroker({ platform })
  const peer = await Peer.open(broker.address)
  await createTopic(peer, 't')
  hold()
  peer.socket.write(produceFrame({ correlationId: 1, topic: 't' }))
  peer.socket.write(
    encodeRequest(
      listOffsets,
      1,
      { correlationId: 2, clientId: null },
      {
        replicaId: -1,
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      },
    ),
  )
  while (held.length === 0) await settled(broker)
  letGo()
  await peer.next()
  const { topics } = decodeResponse(listOffsets, 1, await peer.next())
  expect(topics[0]?.partitions[0]?.offset).toBe(1)
  await peer.close()
})

test('a failed Produce that wants no answer closes the connection', async () => {
  await using broker = await startBroker()
  const peer = await Peer.open(broker.address)
  peer.socket.write(produceFrame({ correlationId: 1, topic: 'none', acks: 0 }))
  await peer.closed
})

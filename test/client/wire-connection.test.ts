import { afterEach, describe, expect, test } from 'vitest'
import type { Connection } from '../../src/client/connection.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import type { Address, Listener, Socket } from '../../src/platform/platform.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { FrameSplitter, decodeRequestHeader, encodeResponse } from '../../src/protocol/frame.ts'
import type { ReceivedRequest } from '../../src/protocol/frame.ts'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { VirtualPlatform } from './virtual-platform.ts'

type Answer = (request: ReceivedRequest, socket: Socket) => void

const { sockets } = nodePlatform()
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

/** A server that does with every request what the test says. */
async function serve(answer: Answer): Promise<Address> {
  const listener: Listener = await sockets.listen({ host: '127.0.0.1', port: 0 }, socket => {
    const frames = new FrameSplitter(1_000_000)
    socket.handle({
      data: bytes => {
        for (const frame of frames.push(bytes)) answer(decodeRequestHeader(frame), socket)
      },
      closed: () => undefined,
    })
  })
  open.push(listener)
  return listener.address
}

/** Answers ApiVersions with these ranges and leaves the rest to the test. */
const offering =
  (apiKeys: { apiKey: number; minVersion: number; maxVersion: number }[], rest: Answer): Answer =>
  (request, socket) => {
    if (request.apiKey !== apiVersions.key) return rest(request, socket)
    const body = { errorCode: errorCode.NONE, apiKeys }
    socket.write(encodeResponse(apiVersions, request.apiVersion, request.correlationId, body))
  }

const heartbeats = (maxVersion: number) => [{ apiKey: heartbeat.key, minVersion: 0, maxVersion }]

const answerHeartbeat = (request: ReceivedRequest, code: number): Buffer =>
  Buffer.concat(
    encodeResponse(heartbeat, request.apiVersion, request.correlationId, { errorCode: code }),
  )

const beat = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }

async function connect(address: Address, platform = new VirtualPlatform()): Promise<Connection> {
  const connector = wireConnector(
    { sockets, timers: platform.timers, random: platform.random },
    { clientId: 'test', requestTimeoutMs: 1_000, maxFrameBytes: 10_000 },
  )
  const connection = await connector(address)
  open.push(connection)
  return connection
}

describe('versions', () => {
  test('a request goes out in the highest version that both sides know', async () => {
    for (const offered of [0, 2, heartbeat.maxVersion, heartbeat.maxVersion + 5]) {
      const seen: number[] = []
      const address = await serve(
        offering(heartbeats(offered), (request, socket) => {
          seen.push(request.apiVersion)
          socket.write(answerHeartbeat(request, 0))
        }),
      )
      await (await connect(address)).request(heartbeat, beat)
      expect(seen).toEqual([Math.min(offered, heartbeat.maxVersion)])
    }
  })

  test('a broker that refuses the version of ApiVersions is asked in one that it knows', async () => {
    const asked: number[] = []
    const address = await serve((request, socket) => {
      if (request.apiKey === apiVersions.key) asked.push(request.apiVersion)
      const refuses = request.apiKey === apiVersions.key && request.apiVersion > 1
      if (!refuses) {
        return offering(heartbeats(1), (beaten, to) => to.write(answerHeartbeat(beaten, 0)))(
          request,
          socket,
        )
      }
      const body = {
        errorCode: errorCode.UNSUPPORTED_VERSION,
        apiKeys: [{ apiKey: apiVersions.key, minVersion: 0, maxVersion: 1 }],
      }
      socket.write(encodeResponse(apiVersions, 0, request.correlationId, body))
    })
    const answer = await (await connect(address)).request(heartbeat, beat)
    expect(answer.errorCode).toBe(0)
    expect(asked).toEqual([3, 1])
  })

  test('a request that the broker does not know is refused, and the connection stays', async () => {
    const address = await serve(offering([], () => undefined))
    const connection = await connect(address)
    await expect(connection.request(heartbeat, beat)).rejects.toMatchObject({
      code: 'LOG_ERROR',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ is too old or too new.*Heartbeat/),
    })
  })
})

describe('requests', () => {
  test('are pipelined, and answers find them whatever the pieces they arrive in', async () => {
    const waiting: ReceivedRequest[] = []
    const address = await serve(
      offering(heartbeats(4), (request, socket) => {
        waiting.push(request)
        if (waiting.length < 5) return
        const answers = Buffer.concat(waiting.map((each, code) => answerHeartbeat(each, code)))
        for (let at = 0; at < answers.length; at += 3) socket.write(answers.subarray(at, at + 3))
      }),
    )
    const connection = await connect(address)
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => connection.request(heartbeat, beat)),
    )
    expect(answers.map(answer => answer.errorCode)).toEqual([0, 1, 2, 3, 4])
  })

  test('that are not answered in time end the connection for all', async () => {
    const arrived = Promise.withResolvers<void>()
    const address = await serve(offering(heartbeats(4), () => arrived.resolve()))
    const platform = new VirtualPlatform()
    const connection = await connect(address, platform)
    const patient = connection.request(heartbeat, beat, { waitMs: 5_000 })
    const outcome = Promise.allSettled([patient, connection.request(heartbeat, beat)])
    await arrived.promise
    await platform.pass(999)
    expect(platform.pendingTimers).toBe(2)
    await platform.pass(1)
    for (const settled of await outcome) {
      expect(settled).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'CONNECTION_LOST',
          message: expect.stringContaining('did not answer Heartbeat within 1000 ms'),
        },
      })
    }
    expect(platform.pendingTimers).toBe(0)
    await expect(connection.request(heartbeat, beat)).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
    })
  })

  test('are all rejected when the broker hangs up', async () => {
    const address = await serve(offering(heartbeats(4), (_, socket) => socket.destroy()))
    const platform = new VirtualPlatform()
    const connection = await connect(address, platform)
    const settled = await Promise.allSettled([
      connection.request(heartbeat, beat),
      connection.request(heartbeat, beat),
    ])
    for (const each of settled) {
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'CONNECTION_LOST' } })
    }
    expect(platform.pendingTimers).toBe(0)
  })

  test('are rejected by close', async () => {
    const address = await serve(offering(heartbeats(4), () => undefined))
    const connection = await connect(address)
    const lost = expect(connection.request(heartbeat, beat)).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
    })
    await connection.close()
    await lost
  })
})

describe('a broker that does not follow the protocol', () => {
  const cases: [string, (request: ReceivedRequest) => Buffer, RegExp][] = [
    [
      'answers another request',
      request =>
        Buffer.concat(
          encodeResponse(heartbeat, request.apiVersion, request.correlationId + 1, {
            errorCode: 0,
          }),
        ),
      /answered request \d+ while request \d+ was due/,
    ],
    ['announces a huge frame', () => Buffer.from([0x7f, 0xff, 0xff, 0xff]), /2147483647 bytes/],
    [
      'cuts an answer short',
      request => {
        const whole = answerHeartbeat(request, 0).subarray(0, -3)
        whole.writeInt32BE(whole.length - 4, 0)
        return whole
      },
      /Heartbeat/,
    ],
  ]
  test.each(cases)('%s', async (_, answer, message) => {
    const address = await serve(
      offering(heartbeats(4), (request, socket) => socket.write(answer(request))),
    )
    const platform = new VirtualPlatform()
    const connection = await connect(address, platform)
    await expect(connection.request(heartbeat, beat)).rejects.toMatchObject({
      code: 'PROTOCOL_ERROR',
      message: expect.stringMatching(message),
    })
    expect(platform.pendingTimers).toBe(0)
  })

  test('and a broker that is not there', async () => {
    const listener = await sockets.listen({ host: '127.0.0.1', port: 0 }, () => undefined)
    await listener.close()
    await expect(connect(listener.address)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })
})

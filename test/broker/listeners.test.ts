/** Each client is told the address of the listener that it came in through. */
import { expect, test } from 'vitest'
import { startBroker } from '../../src/broker/index.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.ts'
import { describeCluster } from '../../src/protocol/messages/60-describe-cluster.ts'
import { Peer } from './peer.ts'

test('clients are told the advertised address of their listener', async () => {
  await using broker = await startBroker({
    listeners: [
      { name: 'INSIDE' },
      { name: 'OUTSIDE', advertisedHost: 'kafka.example.org', advertisedPort: 19_092 },
      { name: 'OTHER', advertisedHost: 'other.example.org' },
    ],
  })
  expect(broker.listeners.map(({ name }) => name)).toEqual(['INSIDE', 'OUTSIDE', 'OTHER'])
  const [inside, outside, other] = broker.listeners
  expect(inside?.advertised).toEqual(inside?.address)
  expect(outside?.advertised).toEqual({ host: 'kafka.example.org', port: 19_092 })
  expect(other?.advertised).toEqual({ host: 'other.example.org', port: other?.address.port })
  expect(broker.address).toEqual(inside?.address)

  for (const { address, advertised } of broker.listeners) {
    const peer = await Peer.open(address)
    const { brokers } = await peer.ask(metadata, 4, { topics: [] })
    expect(brokers).toMatchObject([advertised])
    expect(await peer.ask(findCoordinator, 2, { key: 'g', keyType: 0 })).toMatchObject(advertised)
    const cluster = await peer.ask(describeCluster, 0, {
      includeClusterAuthorizedOperations: false,
    })
    expect(cluster.brokers).toMatchObject([advertised])
    await peer.close()
  }
})

test('when one listener cannot listen, none does', async () => {
  await using taken = await startBroker()
  const { port } = taken.address
  const free = await startBroker()
  await free.close()
  const starting = startBroker({
    listeners: [
      { name: 'A', port: free.address.port },
      { name: 'B', port },
    ],
  })
  await expect(starting).rejects.toMatchObject({ code: 'PORT_IN_USE' })
  await expect(Peer.open(free.address)).rejects.toThrow('ECONNREFUSED')
})

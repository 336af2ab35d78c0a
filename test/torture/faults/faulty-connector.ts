import { setTimeout } from 'node:timers/promises'
import type { Connection, Connector } from '../../../src/client/connection.ts'
import { faults, pass } from './faults.ts'
import { type KillPoint, killPoints } from './settings.ts'

const points = new Set<string>(killPoints)
const isPoint = (name: string): name is KillPoint => points.has(name)

/** Connections on which requests are kill points. */
export function faultyConnector(connector: Connector): Connector {
  return async address => {
    const connection = await connector(address)
    const request: Connection['request'] = async (api, body, options) => {
      const [before, during, after] = ['before', 'during', 'after'].map(
        when => `${when} ${api.name}`,
      )
      if (before === undefined || !isPoint(before)) return connection.request(api, body, options)
      if (api.name === 'EndTxn') await setTimeout(Math.random() * faults.lingerMs)
      pass(before)
      const answered = connection.request(api, body, options)
      if (during !== undefined && isPoint(during)) setImmediate(() => pass(during))
      const answer = await answered
      if (after !== undefined && isPoint(after)) pass(after)
      return answer
    }
    return { request, close: () => connection.close() }
  }
}

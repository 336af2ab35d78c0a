import { MillraceError } from '../../errors.ts'
import type { Address } from '../../platform/platform.ts'

/** What to tell the others, and where to listen. Throws INVALID_CONFIG where strangers could reach what nobody has said they may. */
export function serverAddresses({
  applicationServer,
  applicationServerListen,
}: {
  applicationServer?: string | undefined
  applicationServerListen?: string | undefined
}): { told: Address; listen: Address } | null {
  if (applicationServer === undefined) {
    if (applicationServerListen === undefined) return null
    throw new MillraceError(
      'INVALID_CONFIG',
      'applicationServerListen is given without applicationServer. Give the address that others are to call, too.',
    )
  }
  const told = parseAddress('applicationServer', applicationServer)
  if (applicationServerListen !== undefined) {
    return { told, listen: parseAddress('applicationServerListen', applicationServerListen) }
  }
  if (isLoopback(told.host)) return { told, listen: told }
  throw new MillraceError(
    'INVALID_CONFIG',
    `applicationServer is ${applicationServer}, which others than this machine may reach, and the server lets everybody read. ` +
      `If that is meant, say where to listen with the app's option applicationServerListen, such as '0.0.0.0:${told.port}'.`,
  )
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/** `host:port`; an IPv6 address stands in brackets. */
export function parseAddress(name: string, text: string): Address {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s/]+)):(\d{1,5})$/i.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host !== undefined && port <= 65_535) return { host, port }
  throw new MillraceError(
    'INVALID_CONFIG',
    `${name} is '${text}'. Give host:port, such as 127.0.0.1:8080.`,
  )
}

/** The inverse of `parseAddress`. */
export const addressText = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

import { InvalidArgumentError } from 'commander'
import type { Address } from '../platform/platform.ts'

/** A TCP port; 0 takes a free one. */
export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('A port is a number from 0 to 65535; 0 takes a free one.')
  }
  return port
}

export function parseCount(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError('It must be a whole number of at least 1.')
  }
  return count
}

/** A whole number of at least 0, such as an offset. */
export function parseIndex(text: string): number {
  const index = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(index)) return index
  throw new InvalidArgumentError('It must be a whole number of at least 0.')
}

/** `host:port` or `[ipv6]:port`, several separated by commas. */
export function parseBrokers(text: string): Address[] {
  return text.split(',').map(item => {
    const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(item.trim())
    const host = match?.[1] ?? match?.[2]
    if (host === undefined || Number(match?.[3]) > 65_535) {
      throw new InvalidArgumentError(`"${item}" is not host:port. Example: 127.0.0.1:9092`)
    }
    return { host, port: Number(match?.[3]) }
  })
}

/** `host:port`, as it is given; what the host may be the instance says. */
export function parseEndpoint(text: string): string {
  const [address] = parseBrokers(text)
  if (text.includes(',') || address === undefined) {
    throw new InvalidArgumentError(`"${text}" is not host:port. Example: 127.0.0.1:8080`)
  }
  return text
}

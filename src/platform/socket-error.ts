import { MillraceError } from '../errors.ts'
import { systemCode } from './file-error.ts'
import type { Address } from './platform.ts'

/** Why listening failed: PORT_IN_USE for a taken port, INVALID_CONFIG for an address that cannot work here. */
export function listenError({ host, port }: Address, cause: unknown): MillraceError {
  const code = systemCode(cause)
  if (code === 'EADDRINUSE') {
    return new MillraceError(
      'PORT_IN_USE',
      `Port ${port} on ${host} is in use by another process. Stop that process or choose another port.`,
      { cause },
    )
  }
  const advice = listenAdvice[code] ?? 'Choose another host or port.'
  return new MillraceError(
    'INVALID_CONFIG',
    `Cannot listen on ${host}:${port} (${code || String(cause)}). ${advice}`,
    { cause },
  )
}

/** Why connecting failed, as CONNECTION_LOST. */
export function connectError({ host, port }: Address, cause: unknown): MillraceError {
  const code = systemCode(cause)
  const advice = connectAdvice[code] ?? 'Check the address and the network between.'
  return new MillraceError(
    'CONNECTION_LOST',
    `Cannot connect to ${host}:${port} (${code || String(cause)}). ${advice}`,
    { cause },
  )
}

/** Why an open connection ended without an orderly end, as CONNECTION_LOST. */
export function brokenConnection({ host, port }: Address, cause: unknown): MillraceError {
  return new MillraceError(
    'CONNECTION_LOST',
    `The connection with ${host}:${port} broke (${systemCode(cause) || String(cause)}). Check that the peer is still running.`,
    { cause },
  )
}

const listenAdvice: Readonly<Record<string, string>> = {
  EACCES: 'This user may not use that port: choose one above 1023.',
  EADDRNOTAVAIL: 'That address does not belong to this machine: choose one that does, or 0.0.0.0.',
  ENOTFOUND: 'That host name is not known: check its spelling.',
}

const untrusted =
  'The certificate of the peer comes from nobody who is trusted here: give its issuer as `ca`.'

const connectAdvice: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nobody listens there: check that the broker is running and the port is right.',
  ENOTFOUND: 'That host name is not known: check its spelling.',
  ETIMEDOUT: 'Nothing answered: check the address and that no firewall is between.',
  EHOSTUNREACH: 'There is no way to that host: check the address and the network.',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_HAS_EXPIRED: 'The certificate of the peer has expired: it needs a new one.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'The certificate of the peer is for another name: connect to that one, or set serverName.',
  EPROTO: 'The peer does not speak TLS on that port, or no version of it that is accepted here.',
  ENETUNREACH: 'There is no way to that network: check the address and the network.',
}

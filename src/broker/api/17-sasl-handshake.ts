/**
 * SaslHandshake: the mechanism by which a client is going to log in.
 *
 * Versions: 0-1. After 0 tokens come as bare frames, after 1 in SaslAuthenticate.
 *
 * Behaviour: a mechanism that the listener does not offer is UNSUPPORTED_SASL_MECHANISM with those that it does, and the
 * connection ends. Where nobody needs to log in, and while somebody does, it is ILLEGAL_SASL_STATE.
 *
 * Differs from Apache Kafka: no GSSAPI, OAUTHBEARER or delegation tokens.
 */
import { saslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const saslHandshakeHandler: ApiHandler = apiHandler(
  saslHandshake,
  { min: 0, max: 1 },
  (_, { mechanism }, { version, authentication }) => authentication.handshake(mechanism, version),
)

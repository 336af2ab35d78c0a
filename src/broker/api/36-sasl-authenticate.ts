/**
 * SaslAuthenticate: the next token of the exchange by which a client logs in.
 *
 * Versions: 0-2; the session's lifetime from 1.
 *
 * Behaviour: see `security/authentication.ts`. A failure is SASL_AUTHENTICATION_FAILED, the same whatever was wrong, and the
 * connection ends.
 *
 * Differs from Apache Kafka: the message of a failure does not name the mechanism.
 */
import { saslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const saslAuthenticateHandler: ApiHandler = apiHandler(
  saslAuthenticate,
  { min: 0, max: 2 },
  (_, { authBytes }, { authentication }) => authentication.authenticate(authBytes),
)

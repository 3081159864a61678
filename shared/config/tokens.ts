import * as z from 'zod/mini'
import { flag, httpUrl, isSecretOf, matching, networks, optional, variable, whole } from './variable.ts'

const DAY = 86_400

/** How clients prove themselves, and the lifetimes of tokens and sessions. */
export const tokensVariables = {
  INTROSPECTION_REQUIRES_CLIENT_AUTH: variable(
    '`true` refuses introspection without client authentication.',
    flag,
    false,
  ),
  MTLS_BASE_URL: optional('Base URL of the proxy that requests client certificates; unset means none.', httpUrl),
  MTLS_PROXY_SECRET: optional(
    'Base64, at least 32 random bytes, shared with that proxy only: it authenticates the certificates that the proxy forwards.',
    matching((value) => isSecretOf(value, 32), 'must be base64 of at least 32 random bytes'),
  ),
  DPOP_NONCE_REQUIRED: variable(
    '`true` accepts only DPoP proofs with a nonce from this gateway; clients get one with the first error.',
    flag,
    false,
  ),
  CLIENT_IP_HEADER: optional(
    'Header with the client address, set by your own proxy (nginx: `x-real-ip`). Leave unset on Netlify.',
    () => z.string().check(z.regex(/^[a-z0-9-]+$/i, 'must be a header name'), z.toLowerCase()),
  ),
  ACCESS_TOKEN_SECONDS: variable('Lifetime of an access token.', whole(60, DAY), 3600),
  SIGNING_KEY_DAYS: variable(
    'The hourly job rotates signing keys that are older than this; 0 leaves it to `npm run keys -- rotate`.',
    whole(0, 3650),
    90,
  ),
  SECOND_FACTOR_POLICY: variable(
    'Who is asked for a second factor after a code, link, password or provider: `enrolled` (everyone who has set one up), `always` (everyone; those without one set it up while they sign in) or `never`.',
    () => z.enum(['never', 'enrolled', 'always']),
    'enrolled',
  ),
  SESSION_IDLE_SECONDS: variable('A session ends after this long without use.', whole(60, 90 * DAY), 7 * DAY),
  SESSION_ABSOLUTE_SECONDS: variable('Maximum lifetime of a session.', whole(60, 365 * DAY), 30 * DAY),
  REFRESH_IDLE_SECONDS: variable('A refresh token ends after this long without use.', whole(60, 365 * DAY), 30 * DAY),
  REFRESH_ABSOLUTE_SECONDS: variable(
    'Maximum lifetime of a token family, with or without rotation.',
    whole(60, 365 * DAY),
    90 * DAY,
  ),
  VERIFIER_ADDRESSES: variable(
    'Addresses (CIDR) of your own services. They may state in `client_ip` where a key they verify was used, and see the UAI behind tokens of clients that do not know it.',
    networks,
    [],
  ),
}

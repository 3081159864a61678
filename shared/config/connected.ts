import * as z from 'zod/mini'
import {
  httpUrl,
  isSecretOf,
  limits,
  listOf,
  matching,
  optional,
  several,
  text,
  urlsByName,
  variable,
  whole,
} from './variable.ts'

/** For local use only: published. */
export const DEVELOPMENT_WEBHOOK_SECRET = 'v1,whsec_bG9jYWwtZGV2ZWxvcG1lbnQtb25seS13ZWJob29r'

const isWebhookSecret = (value: string) =>
  several(value).every((one) => /^v1,whsec_/.test(one) && isSecretOf(one.slice(9), 24))
const isSvixSecret = (value: string) => /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(value.trim())

/** Messages, limits, and the systems that the gateway works with. */
export const connectedVariables = {
  SUPABASE_FUNCTIONS_URL: variable(
    'Base URL of the Supabase Edge Functions that deliver codes.',
    httpUrl,
    'http://127.0.0.1:54321/functions/v1',
  ),
  OTP_WEBHOOK_SECRET: variable(
    'Signs the calls to the Edge Functions: `v1,whsec_<base64>`. Of several (separated by a vertical bar), each one signs, so that a secret can be replaced without downtime.',
    matching(isWebhookSecret, 'must be v1,whsec_<base64 of at least 24 bytes>, several separated by |'),
    DEVELOPMENT_WEBHOOK_SECRET,
  ),
  RESEND_WEBHOOK_SECRET: optional(
    'Signing secret (`whsec_…`) of the webhook that reports the delivery status of mails to `/v1/delivery/resend`; several separated by a vertical bar. If unset, its calls are refused.',
    matching((value) => several(value).every(isSvixSecret), 'must be whsec_<base64>, several separated by |'),
  ),
  TWILIO_AUTH_TOKEN: optional(
    'Auth token with which Twilio signs status callbacks to `/v1/delivery/twilio`; several separated by a vertical bar. If unset, they are refused.',
    text(8),
  ),
  SMS_COUNTRIES: variable(
    'Countries (ISO 3166, such as `CH,DE,FR`) to whose mobile numbers codes are sent by text message; numbers without a country code belong to the first. Unset means no text messages.',
    listOf((one) => /^[A-Z]{2}$/.test(one), 'must be codes such as CH,DE'),
    [],
  ),
  SMS_DAILY_CAP: variable(
    'Maximum number of text messages in 24 hours; 30 % are reserved for numbers that signed in before, 15 % for known browsers only.',
    whole(1, 10_000_000),
    1000,
  ),
  SMS_BREAKER_SENDS: variable(
    'Codes sent by text message to one country in an hour above which new numbers there get none for a while if fewer than a fifth are entered.',
    whole(5, 1_000_000),
    30,
  ),
  LIMITS: variable(
    'Limits that differ from the defaults in `docs/limits.md`: `name=max/time` pairs, separated by commas, such as `otp-send-ip=60/1h,device=240/1h`.',
    limits,
    {},
  ),
  API_URL: variable(
    'Base URL of the LanOnasis API, for `/.well-known/onasis.json`.',
    httpUrl,
    'https://api.lanonasis.com',
  ),
  MCP_URL: variable(
    'Base URL of the LanOnasis MCP server, for the same document.',
    httpUrl,
    'https://mcp.lanonasis.com',
  ),
  SUPABASE_URL: optional(
    'Supabase project whose users sign in here, with passwords or its tokens; unset means none.',
    httpUrl,
  ),
  SUPABASE_ANON_KEY: optional('Publishable (or anon) key of that project.', () =>
    z.string().check(z.minLength(10), z.maxLength(1000)),
  ),
  SUPABASE_JWT_SECRET: optional('Legacy shared JWT secret of that project, if it still signs with one.', text(32)),
  LEGACY_TOKEN_SECRET: optional(
    'Signs access tokens with HS256 for resource servers that cannot read a key set yet and share this secret. The gateway itself does not accept them.',
    text(32),
  ),
  LEGACY_TOKEN_CLIENTS: variable(
    'Which tokens are signed like that: `client_id=resource` pairs, separated by commas, for tokens of the client that are for that resource only. With `resource=<issuer>` the client gets standard tokens for the gateway.',
    urlsByName,
    {},
  ),
  SYNC_WEBHOOK_SECRET: optional(
    'Secret that webhooks at `/v1/sync/…` send in `X-Webhook-Secret`, 32 characters or more; several separated by a vertical bar. If unset, they are refused.',
    matching(
      (value) => several(value).every((one) => one.length >= 32),
      'must be 32 characters or more, several separated by |',
    ),
  ),
}

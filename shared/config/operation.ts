import * as z from 'zod/mini'
import { flag, httpUrl, isBase64, matching, optional, text, urlsByName, variable, whole } from './variable.ts'

/** Services behind the gateway, API keys, and operation. */
export const operationVariables = {
  SERVICE_UPSTREAMS: variable(
    'Upstreams of `/api/v1/services/<name>`: `name=URL` pairs, separated by commas. No other address is called.',
    urlsByName,
    {},
  ),
  SERVICE_ANSWER_MB: variable(
    'Maximum size of a streamed response of such a service, in MiB. JSON is read completely, up to 6 MiB.',
    whole(1, 10_000),
    20,
  ),
  SERVICE_IDLE_SECONDS: variable(
    'Maximum pause within a response of such a service; an event stream must send a comment at least this often.',
    whole(1, 3600),
    60,
  ),
  AUTH_GATEWAY_REQUIRE_API_KEY_BINDING: variable(
    '`true` refuses API keys that are not bound to a caller.',
    flag,
    false,
  ),
  AUTH_GATEWAY_REQUIRE_API_KEY_SIGNATURE: variable(
    '`true` refuses requests with an API key that are not signed.',
    flag,
    false,
  ),
  AUTH_GATEWAY_API_KEY_SIGNATURE_WINDOW_SECONDS: variable(
    'Maximum difference between the time of a signed request and the current time.',
    whole(10, 900),
    300,
  ),
  LEAK_SCANNER_KEYS_URL: variable(
    'URL of the public keys of the secret scanner whose reports `/v1/keys/leaked` accepts.',
    httpUrl,
    'https://api.github.com/meta/public_keys/secret_scanning',
  ),
  LEAKED_KEY_POLICY: variable(
    'What happens to a key that was found publicly; its owner is notified in any case.',
    () => z.enum(['quarantine', 'revoke', 'notify']),
    'quarantine',
  ),
  API_KEY_EXPIRY_WARNING_DAYS: variable('How many days before a key expires its owner is notified.', whole(1, 90), 7),
  REQUIRE_PUSHED_AUTHORIZATION_REQUESTS: variable(
    '`true` accepts only pushed authorization requests (RFC 9126).',
    flag,
    false,
  ),
  REGISTER_UNKNOWN_CLIENTS: optional(
    '`true` registers an unknown client that starts a device sign-in as a minimal public client; unset means `true`, except in production.',
    flag,
  ),
  METRICS_PORT: optional(
    'Port on which `npm start` serves Prometheus metrics at `/metrics`, plus `NODE_APP_INSTANCE`; unset means no metrics.',
    whole(1, 65_535),
  ),
  METRICS_TOKEN: optional(
    'Bearer token for the metrics. If set, they are served on the address of `HOST`, otherwise on this machine only.',
    text(16),
  ),
  NODE_APP_INSTANCE: variable('Number of this process among those of the server, set by PM2.', whole(0, 999), 0),
  DRAIN_SECONDS: variable(
    'How long `npm start` continues after a stop signal, with `/ready` failing, so that a load balancer stops sending requests.',
    whole(0, 300),
    0,
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(
    'OpenTelemetry collector (OTLP over HTTP) that receives traces; unset means none. The other `OTEL_EXPORTER_OTLP_…` variables and `OTEL_RESOURCE_ATTRIBUTES` apply too.',
    httpUrl,
  ),
  OTEL_TRACES_SAMPLER_ARG: variable(
    'Share of requests that are traced, from 0 to 1.',
    () => z.coerce.number().check(z.minimum(0), z.maximum(1)),
    1,
  ),
  BACKUP_DAYS: variable(
    'How many days your database backups are kept; the receipt of an erasure states the day on which the last one expires.',
    whole(0, 3650),
    30,
  ),
  AUDIT_SIGNING_KEY: optional(
    'Base64 of 32 random bytes: the Ed25519 key that signs checkpoints of the audit log. If unset, a key of the key ring signs, which the root and a dump reveal.',
    matching((value) => isBase64(value) && Buffer.from(value, 'base64').length === 32, 'must be base64 of 32 bytes'),
  ),
  CHECKPOINT_URL: optional(
    'URL to which the newest checkpoint is sent (PUT, text/plain), stored apart from the database; `{size}` in it is replaced by the number of events.',
    httpUrl,
  ),
  CHECKPOINT_URL_TOKEN: optional('Bearer token for `CHECKPOINT_URL`.', text(1)),
  CHECKPOINT_FILE: optional('File to which the newest checkpoint is appended as a line of JSON.', text(1)),
  LOG_LEVEL: variable(
    'Lowest level that is logged.',
    () => z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    'info',
  ),
}

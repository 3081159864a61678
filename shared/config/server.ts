import * as z from 'zod/mini'
import { MOST_CELL } from '../ids.ts'
import {
  flag,
  httpUrl,
  isSecretOf,
  list,
  listOf,
  matching,
  networks,
  optional,
  required,
  several,
  text,
  url,
  variable,
  whole,
} from './variable.ts'

/** For local use only: published. */
export const DEVELOPMENT_MASTER_SECRET = 'bG9jYWwtZGV2ZWxvcG1lbnQtb25seS1tYXN0ZXItc2VjcmV0'

export const isMasterSecret = (value: string) => {
  const all = several(value)
  return all.every((one) => isSecretOf(one, 32)) && new Set(all).size === all.length
}

/** The server, its database, and browsers. */
export const serverVariables = {
  NODE_ENV: optional(
    '`development` and `test` take effect only if the issuer and the listener are on loopback; otherwise, and always on Netlify, the mode is `production`. Unset means `development` on loopback.',
    () => z.enum(['development', 'test', 'production']),
  ),
  HOST: variable('Address `npm start` listens on.', text(1), '127.0.0.1'),
  PORT: variable('Port `npm start` listens on.', whole(0, 65_535), 4000),
  AUTH_BASE_URL: variable(
    'Public base URL and OAuth issuer, without a trailing slash.',
    httpUrl,
    'http://localhost:4000',
  ),
  DATABASE_URL: required(
    'Postgres through the transaction-mode pooler, as the application role.',
    url(/^postgres(ql)?$/),
  ),
  DATABASE_MIGRATION_URL: optional(
    'Direct Postgres connection as the owner; only the operator commands use it.',
    url(/^postgres(ql)?$/),
  ),
  DATABASE_CA: optional(
    'PEM certificates of the authority that issued the certificate of the database server, or the path of a file with them. If unset, connections to hosts that are not on loopback are encrypted, but the server is not verified.',
    text(1),
  ),
  DATABASE_PLAINTEXT: variable(
    '`true` allows connections to such hosts without TLS, for example in a private network between containers.',
    flag,
    false,
  ),
  DATABASE_READ_CONNECTIONS: variable('Connections of this process for reading.', whole(1, 100), 4),
  DATABASE_WRITE_CONNECTIONS: variable(
    'Connections of this process for writing, each with one transaction at a time. What arrives while all are busy is committed together, so more connections mean more transactions, not more throughput.',
    whole(1, 100),
    2,
  ),
  CELL: variable(
    'Number of the cell that this process belongs to: one database with its log. Every new id carries it (docs/scale.md).',
    whole(0, MOST_CELL),
    0,
  ),
  AUTH_MASTER_SECRET: variable(
    'Base64, at least 32 random bytes (`openssl rand -base64 32`): the root that the key ring in the database is sealed under. Of several (separated by a vertical bar), the one that belongs to the database is used; a new database uses the first. Optional with one of the next two.',
    matching(isMasterSecret, 'must be base64 of at least 32 random bytes, several different ones separated by |'),
    DEVELOPMENT_MASTER_SECRET,
  ),
  AUTH_MASTER_SECRET_FILE: optional('File with such secrets, preferred to those of the variable.', text(1)),
  AUTH_ROOT_KMS_KEY: optional(
    'ARN of a symmetric key of AWS KMS as the root, or several, separated by a vertical bar; preferred to secrets. Credentials come from where the AWS SDK finds them.',
    matching(
      (value) => several(value).every((one) => /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/.test(one)),
      'must be ARNs of KMS keys, separated by |',
    ),
  ),
  AUTH_ROOT_KMS_URL: optional(
    'Address of KMS, such as that of a private endpoint; unset means the public one.',
    httpUrl,
  ),
  KEY_RING_SECONDS: variable(
    'How often a process looks whether the key ring was changed. Until twice that has passed it may use the keys that it knows.',
    whole(1, 3600),
    60,
  ),
  COOKIE_DOMAIN: optional('Domain of the session cookies; unset means the gateway’s own host only.', () =>
    z.string().check(z.regex(/^\.?[a-z0-9-]+(\.[a-z0-9-]+)+$/i, 'must be a domain name such as .example.com')),
  ),
  WEBAUTHN_RP_ID: optional(
    'Domain that passkeys are for: the host of `AUTH_BASE_URL` (if unset) or a parent of it. It can’t change once a passkey is registered, since passkeys work for one domain only.',
    () => z.string().check(z.regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'must be a domain name such as example.com')),
  ),
  WEBAUTHN_ORIGINS: variable(
    'Other origins that may use these passkeys: sites (`https://…`), which `/.well-known/webauthn` publishes, and Android apps (`android:apk-key-hash:…`).',
    listOf(
      (one) =>
        (/^https:\/\//.test(one) && URL.canParse(one) && new URL(one).origin === one) ||
        /^android:apk-key-hash:[\w-]{43}$/.test(one),
      'must be https origins, or android:apk-key-hash:… of an app',
    ),
    [],
  ),
  OPERATOR_PASSKEYS: variable(
    'Which operators must use a passkey for what only operators can do: `platform` (those of all organizations), `always` (all), or `never`. Without effect while passkeys are off.',
    () => z.enum(['never', 'platform', 'always']),
    'platform',
  ),
  CORS_ORIGIN: variable(
    'Origins that may call every endpoint from a browser, with cookies; `*.` matches any subdomain, `:*` any port. Other origins may call only what OAuth clients need, without cookies.',
    list,
    ['*.lanonasis.com', 'https://*.lanonasis.com', 'http://localhost:*'],
  ),
  PRIVATE_USE_SCHEMES: variable(
    'URI schemes without a dot that native applications, such as editors, may use in redirect URIs; schemes with a dot are always allowed.',
    listOf((one) => /^[a-z][a-z0-9+.-]*$/.test(one), 'must be schemes such as vscode,cursor'),
    ['cursor', 'vscode', 'vscode-insiders', 'windsurf', 'warp', 'claude', 'raycast', 'goose', 'lanonasis'],
  ),
  REGISTRATION_NETWORKS: variable(
    'Addresses (CIDR) that may register clients without a limit, such as the published addresses of hosted assistants, which all their users share.',
    networks,
    [],
  ),
  DASHBOARD_URL: optional(
    'Where a sign-in without a return address ends. Unset means https://dashboard.lanonasis.com, or the account page in development.',
    httpUrl,
  ),
  SUPPORT_URL: optional(
    'Where people who are refused can get help: a page (`https://…`) or a mailbox (`mailto:…`).',
    url(/^(https|mailto)$/),
  ),
}

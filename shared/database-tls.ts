import { readFileSync } from 'node:fs'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/

/** The settings of a connection, from the configuration or from the environment of a command. */
export type TlsSettings = { DATABASE_CA?: string; DATABASE_PLAINTEXT?: boolean | string }

/** How a connection is protected: `url` leaves it to `sslmode` in its URL. */
export type TlsKind = 'loopback' | 'plaintext' | 'encrypted' | 'verified' | 'url'

/** Text of certificates, or the path of a file with them. */
const certificates = (given: string) =>
  given.includes('-----BEGIN') ? given.replaceAll('\\n', '\n') : readFileSync(given, 'utf8')

/**
 * How a connection to Postgres is protected: by TLS wherever its host is not on loopback, and with the certificate checked where an
 * authority is given or the URL says `sslmode=verify-full`. Only `DATABASE_PLAINTEXT` goes without.
 */
export function tlsKind(url: string, { DATABASE_CA, DATABASE_PLAINTEXT }: TlsSettings): TlsKind {
  const { hostname, searchParams } = new URL(url)
  if (LOOPBACK.test(hostname)) return 'loopback'
  if (String(DATABASE_PLAINTEXT) === 'true') return 'plaintext'
  if (searchParams.get('sslmode') === 'verify-full') return 'url'
  return DATABASE_CA ? 'verified' : 'encrypted'
}

/** The options of the driver for it. */
export function databaseTls(url: string, settings: TlsSettings): { ssl?: 'require' | object } {
  const kind = tlsKind(url, settings)
  if (kind === 'encrypted') return { ssl: 'require' }
  if (kind !== 'verified') return {}
  const ca = certificates(settings.DATABASE_CA ?? '')
  return { ssl: { ca, rejectUnauthorized: true, servername: new URL(url).hostname } }
}

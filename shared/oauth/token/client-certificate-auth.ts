import { createPublicKey, type JsonWebKeyInput, type X509Certificate } from 'node:crypto'
import type { ClientCertificate } from '../../../packages/auth-server/src/client-certificate.ts'
import type { ClientMetadata, PublicJwk } from '../../domain/api-client.ts'
import { GatewayError } from '../../errors.ts'
import type { Client } from '../../queries/api-clients.ts'
import { clientKeys } from './client-keys.ts'
import { isSameName } from './distinguished-name.ts'

type AlternativeName = { type: string; value: string }

/** Parses alternative names as Node prints them: a value with a special character is quoted as JSON. */
function alternativeNames(x509: X509Certificate): AlternativeName[] {
  const names = (x509.subjectAltName ?? '').matchAll(/([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy)
  return [...names].map(([, type = '', value = '']) => ({
    type,
    value: value.startsWith('"') ? JSON.parse(value) : value,
  }))
}

const lowerHost = (email: string) => email.replace(/[^@]*$/, (host) => host.toLowerCase())

function normalIp(ip: string): string {
  const url = `http://${ip.includes(':') ? `[${ip}]` : ip}/`
  return URL.canParse(url) ? new URL(url).hostname : ip
}

const same = (value: string) => value

/** The alternative names of `tls_client_auth`: metadata member, Node's label, and how values are normalized for comparison. */
const ALTERNATIVES = [
  ['tls_client_auth_san_dns', 'DNS', (value: string) => value.toLowerCase()],
  ['tls_client_auth_san_uri', 'URI', same],
  ['tls_client_auth_san_ip', 'IP Address', normalIp],
  ['tls_client_auth_san_email', 'email', lowerHost],
] as const

/** Compares a certificate with the client's registered name; exactly one must be registered (RFC 8705 section 2.1.2). */
function nameProblem(x509: X509Certificate, metadata: ClientMetadata): string | undefined {
  const { tls_client_auth_subject_dn: subject } = metadata
  const registered = ALTERNATIVES.filter(([member]) => metadata[member] !== undefined)
  if (registered.length + (subject === undefined ? 0 : 1) !== 1) return 'certificate: not exactly one name registered'
  if (subject !== undefined) return isSameName(subject, x509.subject) ? undefined : 'certificate: another subject'
  const names = alternativeNames(x509)
  const fits = registered.every(([member, type, normal]) =>
    names.some((name) => name.type === type && normal(name.value) === normal(metadata[member] ?? '')),
  )
  return fits ? undefined : 'certificate: another subject alternative name'
}

function isKeyOf(x509: X509Certificate, key: PublicJwk): boolean {
  if (key.x5c?.[0] && Buffer.from(key.x5c[0], 'base64').equals(x509.raw)) return true
  try {
    return createPublicKey({ key, format: 'jwk' } as JsonWebKeyInput).equals(x509.publicKey)
  } catch {
    return false
  }
}

async function registeredKeyProblem(x509: X509Certificate, client: Client): Promise<string | undefined> {
  try {
    const keys = await clientKeys(client)
    return keys.some((key) => isKeyOf(x509, key)) ? undefined : 'certificate: not a registered key'
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return `certificate: ${error.options.reason}`
  }
}

/**
 * Returns why a certificate does not authenticate a client; undefined if it does. With `tls_client_auth` a trusted authority certifies
 * the registered name; with `self_signed_tls_client_auth` the key or the certificate itself is registered.
 * @see RFC 8705 sections 2.1 and 2.2
 */
export async function certificateProblem(
  client: Client,
  { x509, chainVerified }: ClientCertificate,
  now: Date,
): Promise<string | undefined> {
  const { metadata } = client
  if (new Date(x509.validFrom) > now || new Date(x509.validTo) <= now) return 'certificate: not valid now'
  if (metadata.token_endpoint_auth_method === 'self_signed_tls_client_auth') return registeredKeyProblem(x509, client)
  if (!chainVerified) return 'certificate: not from a trusted authority'
  return nameProblem(x509, metadata)
}

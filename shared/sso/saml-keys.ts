import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { Gateway } from '../gateway.ts'
import type { ConnectionRow } from '../queries/connections.ts'

const YEARS = 10
const MODULUS_BITS = 3072
const SHA256_WITH_RSA = '300d06092a864886f70d01010b0500'
const COMMON_NAME = '0603550403'

/** An element in DER (X.690): its tag, its length, its content. */
function der(tag: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  const hex = body.length.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  const length = body.length < 128 ? bytes : Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
  return Buffer.concat([Buffer.from([tag]), length, body])
}

const generalizedTime = (time: Date) =>
  der(0x18, Buffer.from(`${time.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`))

/** A minimal certificate around a public key (RFC 5280 section 4.1): providers accept keys only in this form. */
function selfSignedCertificate(privateKeyPem: string, commonName: string, now: Date): string {
  const key = createPrivateKey(privateKeyPem)
  const algorithm = Buffer.from(SHA256_WITH_RSA, 'hex')
  const attribute = der(0x30, Buffer.from(COMMON_NAME, 'hex'), der(0x0c, Buffer.from(commonName)))
  const name = der(0x30, der(0x31, attribute))
  const end = new Date(now)
  end.setUTCFullYear(now.getUTCFullYear() + YEARS)
  // DER integers are minimal: the first bit is 0 so that the number is positive, and the first byte is not 0.
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    name,
    der(0x30, generalizedTime(now), generalizedTime(end)),
    name,
    createPublicKey(key).export({ format: 'der', type: 'spki' }),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, key))
  const base64 = der(0x30, body, algorithm, signature).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

/** Creates a key pair for a connection: the certificate goes into our metadata, the private key is stored encrypted. */
export async function newConnectionKey(
  gateway: Pick<Gateway, 'ring' | 'issuer' | 'now'>,
  keyId: string,
): Promise<{ certificate: string; sealed: Uint8Array }> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  return {
    certificate: selfSignedCertificate(pem, new URL(gateway.issuer).hostname, gateway.now()),
    sealed: gateway.ring.seal('connection-key', Buffer.from(pem), keyId),
  }
}

type OpenedKey = { status: 'next' | 'active' | 'previous'; certificate: string; privateKey: string }

/** Returns the keys of a connection that are not retired, oldest first. */
export const openConnectionKeys = ({ ring }: Gateway, { keys }: ConnectionRow): OpenedKey[] =>
  keys.flatMap(({ id, status, certificate, sealed }) => {
    if (sealed === null) return []
    const privateKey = ring.open('connection-key', Buffer.from(sealed, 'base64'), id).toString()
    return [{ status, certificate, privateKey }]
  })

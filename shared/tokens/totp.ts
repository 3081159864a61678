import { createHmac, randomBytes } from 'node:crypto'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'

const STEP_SECONDS = 30
const DIGITS = 6
/** Accepted clock skew of an authenticator in time steps (RFC 6238 section 5.2). */
const SKEW = 1
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Creates a secret of 160 bits (RFC 4226 section 4, R6), in base32 for authenticator apps (RFC 4648 section 6). */
export function newTotpSecret(): string {
  return toBase32(randomBytes(20))
}

/** The time step of an instant. */
export function stepOf(at: Date): number {
  return Math.floor(at.getTime() / 1000 / STEP_SECONDS)
}

/** The code of a secret in a time step (RFC 4226 section 5.3, RFC 6238 section 4), with SHA-1, which every app supports. */
export function totpCode(secret: string, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest()
  const offset = mac.readUInt8(mac.length - 1) & 0x0f
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** DIGITS).padStart(DIGITS, '0')
}

/** The newest time step around `now` that the code matches, if any. */
export function matchingStep(secret: string, code: string, now: Date): number | undefined {
  const current = stepOf(now)
  let found: number | undefined
  for (let step = current - SKEW; step <= current + SKEW; step++)
    if (equalHash(totpCode(secret, step), code)) found = step
  return found
}

/** The content of the QR code for authenticator apps (Key URI Format). */
export function totpUri(secret: string, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`
  const parameters = { secret, issuer, algorithm: 'SHA1', digits: String(DIGITS), period: String(STEP_SECONDS) }
  return `otpauth://totp/${label}?${new URLSearchParams(parameters).toString().replaceAll('+', '%20')}`
}

function toBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five, 2)]).join('')
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)))
}

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/**
 * Seals bytes with AES-256-GCM: 12-byte nonce, ciphertext, 16-byte tag.
 * @param context authenticated but not stored; opening requires the same text
 * @see NIST SP 800-38D
 */
export function sealBytes(key: Uint8Array, plaintext: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Opens the output of `sealBytes`. Throws if the key, the context or any bit is wrong. */
export function openBytes(key: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  const bytes = Buffer.from(sealed)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
}

/** Seals a value as base64url text, for a link, a form or a cookie. */
export const sealJson = (key: Uint8Array, value: object, context: string): string =>
  sealBytes(key, Buffer.from(JSON.stringify(value)), context).toString('base64url')

/** Opens the output of `sealJson`; undefined for any other text. */
export function openJson<Value>(key: Uint8Array, sealed: string, context: string): Value | undefined {
  try {
    return JSON.parse(openBytes(key, Buffer.from(sealed, 'base64url'), context).toString())
  } catch {
    return undefined
  }
}

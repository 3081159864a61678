import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** The first byte of a sealed value: AES-256-GCM, 12-byte nonce, ciphertext, 16-byte tag. */
const VERSION = 1
export const VERSION_BYTES = 1

/**
 * Seals bytes with AES-256-GCM: version, 12-byte nonce, ciphertext, 16-byte tag.
 * @param context authenticated but not stored; opening requires the same text
 * @see NIST SP 800-38D
 */
export function sealBytes(key: Uint8Array, plaintext: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function decipher(key: Uint8Array, bytes: Buffer, context: string): Buffer {
  const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(-16))
  return Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()])
}

/**
 * Opens the output of `sealBytes`, and values from before there was a version, which begin with any byte.
 * Throws if the key, the context or any bit is wrong.
 */
export function openBytes(key: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  const bytes = Buffer.from(sealed)
  if (bytes[0] !== VERSION) return decipher(key, bytes, context)
  try {
    return decipher(key, bytes.subarray(VERSION_BYTES), context)
  } catch {
    return decipher(key, bytes, context)
  }
}

import { createHmac, randomBytes } from 'node:crypto'
import type { DeriveKey } from './tokens/derived-key.ts'
import { openBytes, sealBytes } from './tokens/sealed.ts'

/** Everything that may read or write personal data: sealed under the data key of its subject, found by keyed digest. */
export type Personal = ReturnType<typeof createPersonal>

export function createPersonal(derive: DeriveKey) {
  const wrappingKey = derive('subject-key-wrapping')
  const digestKey = derive('lookup-digest')

  return {
    /** A fresh data key for a subject and its wrapped form for `subject_keys`. */
    newKey(subject: string): { key: Buffer; wrapped: Buffer } {
      const key = randomBytes(32)
      return { key, wrapped: sealBytes(wrappingKey, key, subject) }
    },

    unwrap(subject: string, wrapped: Uint8Array): Buffer {
      return openBytes(wrappingKey, wrapped, subject)
    },

    /** Base64 of the sealed text; opening needs the same subject. */
    seal(subject: string, key: Uint8Array, text: string): string {
      return sealBytes(key, Buffer.from(text), subject).toString('base64')
    },

    open(subject: string, key: Uint8Array, sealed: string): string {
      return openBytes(key, Buffer.from(sealed, 'base64'), subject).toString()
    },

    /**
     * HMAC-SHA-256 of a personal value, for equality look-ups. The same value gives the same digest whatever it is used for,
     * so that forgetting a person finds every trace.
     * @param value already normalised (an address in lower case)
     */
    digest(value: string): Buffer {
      return createHmac('sha256', digestKey).update(value).digest()
    },
  }
}

/**
 * The normal form of an e-mail address for comparison: trimmed, Latin letters in lower case. Everything else stays as it is: Unicode's
 * normal forms and cases would make one mailbox of two (a Kelvin sign becomes a k).
 */
export function normaliseEmail(address: string): string {
  return address.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

import { createHmac, randomBytes } from 'node:crypto'
import type { DeriveKey } from './tokens/derived-key.ts'
import { openBytes, sealBytes } from './tokens/sealed.ts'

/** How many opened texts are remembered, and for how long. */
const REMEMBERED = 1000
const REMEMBERED_MILLISECONDS = 60_000

/** Everything that may read or write personal data: sealed under the data key of its subject, found by keyed digest. */
export type Personal = ReturnType<typeof createPersonal>

export function createPersonal(derive: DeriveKey) {
  const wrappingKey = derive('subject-key-wrapping')
  const digestKey = derive('lookup-digest')
  const remembered = new Map<string, string>()

  const unwrap = (subject: string, wrapped: Uint8Array): Buffer => openBytes(wrappingKey, wrapped, subject)
  const open = (subject: string, key: Uint8Array, sealed: string): string =>
    openBytes(key, Buffer.from(sealed, 'base64'), subject).toString()

  return {
    /** A fresh data key for a subject and its wrapped form for `subject_keys`. */
    newKey(subject: string): { key: Buffer; wrapped: Buffer } {
      const key = randomBytes(32)
      return { key, wrapped: sealBytes(wrappingKey, key, subject) }
    },

    unwrap,

    /** Base64 of the sealed text; opening needs the same subject. */
    seal(subject: string, key: Uint8Array, text: string): string {
      return sealBytes(key, Buffer.from(text), subject).toString('base64')
    },

    open,

    /**
     * Opens under a data key as it is stored. What was opened within the last minute is remembered by all that it was opened from,
     * so that whoever no longer finds the key of a forgotten person finds nothing here either.
     * @param wrapped bytes, or their base64
     */
    openWrapped(subject: string, wrapped: Uint8Array | string, sealed: string): string {
      const key = typeof wrapped === 'string' ? wrapped : Buffer.from(wrapped).toString('base64')
      const name = `${subject} ${key} ${sealed}`
      const known = remembered.get(name)
      if (known !== undefined) return known
      const text = open(subject, unwrap(subject, Buffer.from(key, 'base64')), sealed)
      if (remembered.size === 0) setTimeout(() => remembered.clear(), REMEMBERED_MILLISECONDS).unref()
      if (remembered.size < REMEMBERED) remembered.set(name, text)
      return text
    },

    /**
     * HMAC-SHA-256 of a personal value, for equality look-ups. The same value gives the same digest whatever it is used for,
     * so that forgetting a person finds every trace.
     * @param value what the address, number or account is found by
     */
    digest(value: string): Buffer {
      return createHmac('sha256', digestKey).update(value).digest()
    },
  }
}

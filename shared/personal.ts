import { createHmac, randomBytes } from 'node:crypto'
import type { KeyRing } from './tokens/key-ring.ts'
import { openBytes, sealBytes } from './tokens/sealed.ts'

/** Size and duration of the cache of decrypted texts. */
const REMEMBERED = 1000
const REMEMBERED_MILLISECONDS = 60_000

const bytesOf = (key: Uint8Array | string) => (typeof key === 'string' ? Buffer.from(key, 'base64') : key)

/** Encrypts and decrypts personal data under the data key of its subject, and computes keyed digests for lookups. */
export type Personal = ReturnType<typeof createPersonal>

export function createPersonal(ring: KeyRing) {
  const remembered = new Map<string, string>()

  const unwrap = (subject: string, wrapped: Uint8Array): Buffer => ring.open('subject-key-wrapping', wrapped, subject)
  const open = (subject: string, key: Uint8Array, sealed: string): string =>
    openBytes(key, Buffer.from(sealed, 'base64'), subject).toString()

  return {
    /** A fresh data key for a subject and its wrapped form for `subject_keys`. */
    newKey(subject: string): { key: Buffer; wrapped: Buffer } {
      const key = randomBytes(32)
      return { key, wrapped: ring.seal('subject-key-wrapping', key, subject) }
    },

    unwrap,

    /** Base64 of the sealed text; opening needs the same subject. */
    seal(subject: string, key: Uint8Array, text: string): string {
      return sealBytes(key, Buffer.from(text), subject).toString('base64')
    },

    open,

    /**
     * Returns a function that decrypts texts of a subject: undefined without a text, or without a key, since the subject was erased.
     * @param wrapped its wrapped data key, or the base64 of that
     */
    opener(subject: string | null, wrapped: Uint8Array | string | null | undefined) {
      const key = subject && wrapped ? unwrap(subject, bytesOf(wrapped)) : undefined
      return (sealed: unknown): string | undefined =>
        key && subject && typeof sealed === 'string' ? open(subject, key, sealed) : undefined
    },

    /**
     * Decrypts with a wrapped data key. Texts are cached for a minute by all inputs, so that without the key of an erased person the
     * cache returns nothing either.
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
     * HMAC-SHA-256 of a personal value, for equality lookups. The digest does not depend on the use of the value, so that an erasure
     * finds every trace.
     * @param value lookup value of the address, number or account
     */
    digest(value: string): Buffer {
      return createHmac('sha256', ring.key('lookup-digest')).update(value).digest()
    },
  }
}

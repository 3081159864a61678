import { randomBytes } from 'node:crypto'
import { newId } from '../ids.ts'
import { keyDerivation } from './derived-key.ts'
import { openBytes, sealBytes, VERSION_BYTES } from './sealed.ts'

/** Purposes of keys that seal values. */
const SEALING_PURPOSES = [
  'subject-key-wrapping',
  'signing-key',
  'connection-key',
  'connection-secret',
  'hook-secret',
  'webhook-secret',
  'upstream-session',
  'device-revoke',
  'known-browser',
  'magic-link',
  'mfa-token',
  'pushed-request',
  'sso-answer',
  'sso-logout',
  'totp-enrolment',
] as const

/** Purposes of keys that authenticate or digest values, which have one key for the life of the database. */
const MAC_PURPOSES = [
  'audit-checkpoint',
  'csrf',
  'dpop-nonce',
  'form-state',
  'form-state-name',
  'lookup-digest',
  'otp-pepper',
  'pairwise-subject',
  'passkey-challenge',
  'pasted-code',
  'pasted-code-hash',
  'proof-of-work',
  'refresh-token',
  'remembered-device',
  'saml-id',
  'user-code',
] as const

export type SealingPurpose = (typeof SEALING_PURPOSES)[number]
type MacPurpose = (typeof MAC_PURPOSES)[number]

/** A key of the ring. */
export type RingKey = {
  id: string
  purpose: SealingPurpose | MacPurpose
  /** Rises with each new key of a purpose, from 1. */
  epoch: number
  key: Buffer
  /** Seals from then on; it opens at once. */
  activeFrom: Date
}

/** Bytes of the epoch in a sealed value, after its version. */
const EPOCH_BYTES = 2
/** The version of values that name the epoch of their key. */
const WITH_EPOCH = 2

const ALWAYS = new Date(0)

/** Returns the first keys of a database: random, or for a database without a ring, those derived from its master secret. */
export function firstKeys(masterSecret?: Uint8Array): RingKey[] {
  const derive = masterSecret && keyDerivation(masterSecret)
  return [...SEALING_PURPOSES, ...MAC_PURPOSES].map((purpose) => ({
    id: newId(),
    purpose,
    epoch: 1,
    key: derive ? derive(purpose) : randomBytes(32),
    activeFrom: ALWAYS,
  }))
}

const newestEpoch = (ring: readonly RingKey[]) => Math.max(1, ...ring.map(({ epoch }) => epoch))

const isSealing = ({ purpose }: RingKey) => SEALING_PURPOSES.some((one) => one === purpose)

/** Returns the keys that an older ring lacks, of purposes that are newer than it. */
export function missingKeys(ring: readonly RingKey[]): RingKey[] {
  const known = new Set(ring.map(({ purpose }) => purpose))
  const missing = firstKeys().filter(({ purpose }) => !known.has(purpose))
  return missing.map((key) => (isSealing(key) ? { ...key, epoch: newestEpoch(ring) } : key))
}

/** Returns keys of the next epoch, for all purposes that seal values. */
export function nextKeys(ring: readonly RingKey[], activeFrom: Date): RingKey[] {
  const epoch = newestEpoch(ring) + 1
  return firstKeys()
    .filter(isSealing)
    .map((key) => ({ ...key, epoch, activeFrom }))
}

/** Whether a rewrap was begun and not finished. */
export const isRewrapping = (ring: readonly RingKey[]): boolean =>
  ring.filter(({ purpose }) => purpose === 'subject-key-wrapping').length > 1

/** The bytes with which every value begins that a key of this epoch sealed. */
export function headOf(epoch: number): Buffer {
  const head = Buffer.alloc(VERSION_BYTES + EPOCH_BYTES, WITH_EPOCH)
  head.writeUInt16BE(epoch, VERSION_BYTES)
  return head
}

/** The epoch of the key that sealed a value. */
const epochOf = (sealed: Uint8Array): number =>
  sealed[0] === WITH_EPOCH ? Buffer.from(sealed).readUInt16BE(VERSION_BYTES) : 1

/** The keys of a database, opened. A process reads them at its start, and those of a new epoch when they appear. */
export type KeyRing = ReturnType<typeof createKeyRing>

export function createKeyRing(first: RingKey[], now: () => Date) {
  let keys = first
  let newest = index(keys)

  function index(all: RingKey[]): Map<string, RingKey[]> {
    const byPurpose = new Map<string, RingKey[]>()
    for (const key of all.toSorted((a, b) => b.epoch - a.epoch))
      byPurpose.set(key.purpose, [...(byPurpose.get(key.purpose) ?? []), key])
    return byPurpose
  }

  /** The newest active key of a purpose. */
  function current(purpose: RingKey['purpose']): RingKey {
    const all = newest.get(purpose) ?? []
    const found = all.length === 1 ? all[0] : all.find(({ activeFrom }) => activeFrom <= now())
    if (!found) throw new Error(`the key ring has no key for ${purpose}`)
    return found
  }

  function ofEpoch(purpose: SealingPurpose, epoch: number): Buffer {
    const found = newest.get(purpose)?.find((one) => one.epoch === epoch)
    if (!found) throw new Error(`the key ring has no key of epoch ${epoch} for ${purpose}`)
    return found.key
  }

  function seal(purpose: SealingPurpose, plaintext: Uint8Array, context: string): Buffer {
    const { key, epoch } = current(purpose)
    return Buffer.concat([headOf(epoch), sealBytes(key, plaintext, context)])
  }

  function open(purpose: SealingPurpose, sealed: Uint8Array, context: string): Buffer {
    if (sealed[0] === WITH_EPOCH)
      try {
        return openBytes(ofEpoch(purpose, epochOf(sealed)), sealed.subarray(VERSION_BYTES + EPOCH_BYTES), context)
      } catch (error) {
        // A value from before the ring begins with any byte.
        if (!newest.get(purpose)?.some(({ epoch }) => epoch === 1)) throw error
      }
    return openBytes(ofEpoch(purpose, 1), sealed, context)
  }

  return {
    /** The key of a purpose for MACs. */
    key: (purpose: MacPurpose): Buffer => current(purpose).key,

    seal,

    /** Opens the output of `seal`. Throws if the key, the context or any bit is wrong. */
    open,

    /** Seals a value as base64url text, for a link, a form or a cookie. */
    sealJson: (purpose: SealingPurpose, value: object, context: string): string =>
      seal(purpose, Buffer.from(JSON.stringify(value)), context).toString('base64url'),

    /** Opens the output of `sealJson`; undefined for any other text, also one that decodes to the same bytes. */
    openJson<Value>(purpose: SealingPurpose, sealed: string, context: string): Value | undefined {
      try {
        const bytes = Buffer.from(sealed, 'base64url')
        if (bytes.toString('base64url') !== sealed) return undefined
        const opened = open(purpose, bytes, context)
        return JSON.parse(opened.toString())
      } catch {
        return undefined
      }
    },

    /** Replaces the keys. */
    replace(all: RingKey[]): void {
      keys = all
      newest = index(all)
    },

    all: (): readonly RingKey[] => keys,
  }
}

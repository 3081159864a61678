import { hkdfSync } from 'node:crypto'

type DeriveKey = (purpose: string) => Buffer

/**
 * Returns the function that derives one 256-bit key per purpose from the master secret, so that no key serves two purposes.
 * @param masterSecret at least 32 random bytes
 * @see RFC 5869
 */
export function keyDerivation(masterSecret: Uint8Array): DeriveKey {
  const derived = new Map<string, Buffer>()
  return (purpose) => {
    let key = derived.get(purpose)
    if (!key) {
      key = Buffer.from(hkdfSync('sha256', masterSecret, 'lanonasis-auth-gateway', purpose, 32))
      derived.set(purpose, key)
    }
    return key
  }
}

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Config, masterSecrets, readMasterSecrets } from '../config.ts'
import { keyDerivation } from './derived-key.ts'
import type { RingKey } from './key-ring.ts'
import { openBytes, sealBytes } from './sealed.ts'

/** Authenticated with every wrapped root key, so that it opens as nothing else. */
export const ROOT_CONTEXT = 'lanonasis-auth-gateway key ring'

/** What the key ring is sealed under, by way of a random key that the root alone can unwrap. It is not in the database. */
export type Root = {
  /** Public: names the root in the database and in events. */
  id: string
  wrap(key: Uint8Array): Promise<Uint8Array>
  unwrap(wrapped: Uint8Array): Promise<Uint8Array>
}

/** A root that is a secret of this process. */
function secretRoot(secret: Uint8Array): Root {
  const derive = keyDerivation(secret)
  return {
    id: `secret:${derive('root-id').toString('hex').slice(0, 16)}`,
    wrap: async (key) => sealBytes(derive('root'), key, ROOT_CONTEXT),
    unwrap: async (wrapped) => openBytes(derive('root'), wrapped, ROOT_CONTEXT),
  }
}

/** A key of AWS KMS, by its ARN. */
function kmsRoot(arn: string, endpoint: string | undefined): Root {
  const kms = async () => (await import('./kms.ts')).kmsKey(arn, endpoint, ROOT_CONTEXT)
  return {
    id: `kms:${arn}`,
    wrap: async (key) => (await kms()).wrap(key),
    unwrap: async (wrapped) => (await kms()).unwrap(wrapped),
  }
}

/** The root secrets of this process, from a file and from the environment, in the order in which they are preferred. */
export function rootSecrets(config: Config): Buffer[] {
  const { AUTH_MASTER_SECRET_FILE: file } = config
  return [...(file ? readMasterSecrets(readFileSync(file, 'utf8'), file) : []), ...masterSecrets(config)]
}

/** The configured roots: those of a key management service, of a file, and of the environment. The first is that of a new database. */
export function configuredRoots(config: Config): Root[] {
  const { AUTH_ROOT_KMS_KEY, AUTH_ROOT_KMS_URL } = config
  const arns = AUTH_ROOT_KMS_KEY?.split('|') ?? []
  return [...arns.map((arn) => kmsRoot(arn, AUTH_ROOT_KMS_URL)), ...rootSecrets(config).map(secretRoot)]
}

/** The key ring as the database has it. Bytes are in base64. */
export type StoredRing = {
  /** Rises with every change. */
  version: number
  /** The id of the root, and the key under which the keys are sealed, wrapped by that root. */
  root: string
  wrapped: string
  keys: StoredKey[]
}
type StoredKey = Pick<RingKey, 'id' | 'purpose' | 'epoch'> & { sealed: string; active_from: string }

/** Names a key where it is sealed, so that no key can take the place of another. */
const contextOf = ({ id, purpose, epoch }: Pick<RingKey, 'id' | 'purpose' | 'epoch'>) =>
  `${ROOT_CONTEXT} ${id} ${purpose} ${epoch}`

const fromBase64 = (text: string) => Buffer.from(text, 'base64')

/** Seals keys under a new key that a root wraps. */
export async function sealRing(keys: readonly RingKey[], root: Root): Promise<Omit<StoredRing, 'version'>> {
  const rootKey = randomBytes(32)
  return {
    root: root.id,
    wrapped: Buffer.from(await root.wrap(rootKey)).toString('base64'),
    keys: keys.map((key) => sealKey(key, rootKey)),
  }
}

const sealKey = (key: RingKey, rootKey: Uint8Array): StoredKey => ({
  id: key.id,
  purpose: key.purpose,
  epoch: key.epoch,
  sealed: sealBytes(rootKey, key.key, contextOf(key)).toString('base64'),
  active_from: key.activeFrom.toISOString(),
})

/** Seals keys that are added to a stored ring. */
export async function sealMore(keys: RingKey[], stored: StoredRing, root: Root): Promise<StoredKey[]> {
  const rootKey = await root.unwrap(fromBase64(stored.wrapped))
  return keys.map((key) => sealKey(key, rootKey))
}

/** Opens a stored ring. @throws Error if a key was changed, or is not sealed under this root */
export async function openRing(stored: StoredRing, root: Root): Promise<RingKey[]> {
  const rootKey = await root.unwrap(fromBase64(stored.wrapped))
  return stored.keys.map((key) => ({
    id: key.id,
    purpose: key.purpose,
    epoch: key.epoch,
    key: openBytes(rootKey, fromBase64(key.sealed), contextOf(key)),
    activeFrom: new Date(key.active_from),
  }))
}

import { createHash } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type postgres from 'postgres'
import { createKey, retireKey, type SigningAlgorithm, signingKey, withdrawKey } from '../domain/signing-key.ts'
import { type CommitContext, commit } from '../events/commit.ts'
import type { Actor } from '../events/types.ts'
import { idFrom, newId, timeOf } from '../ids.ts'
import { listSigningKeys } from '../queries/signing-keys.ts'
import type { KeyRing } from './key-ring.ts'

/** Cache time of the key set, for instances and (by `Cache-Control`) clients, in seconds. */
export const KEY_SET_SECONDS = 300
const SYSTEM: Actor = { type: 'system', id: 'signing-keys' }
/** Supabase caches a key set for up to half an hour, and our answer may be cached before it gets there. */
const SUPABASE_OVERLAP_SECONDS = 3600
/** Lifetime of a token for a Supabase project, which cannot ask whether its session was ended. */
export const SUPABASE_TOKEN_SECONDS = 600
const REFRESH_MS = 60_000
/** Minimum time between reloads for unknown key ids, so that random ids do not load the database. */
const UNKNOWN_KID_MS = 1000
/** Fixed streams of the first keys, so that only one of several instances creates them in an empty database. */
const FIRST_KEY = {
  ES256: '0195d000-0000-7000-8000-000000002001',
  RS256: '0195d000-0000-7000-8000-000000002002',
}

export type Key = {
  id: string
  kid: string
  alg: SigningAlgorithm
  /** The Supabase project whose tokens it signs; undefined for a key of the gateway. */
  resourceId?: string
  publicJwk: JWK
  publicKey: CryptoKey
  privateKey: CryptoKey
  activeFrom: Date
  expiresAt?: Date
}

export type Keys = ReturnType<typeof createKeys>

/** The signing keys: created on first use, cached for a minute, private keys sealed under the key ring. */
export function createKeys(reads: postgres.Sql, context: () => CommitContext, ring: KeyRing, now: () => Date) {
  let cache: { keys: Key[]; readAt: number } | undefined
  let reading: Promise<Key[]> | undefined
  let askedAgainAt = 0
  const making = new Map<string, Promise<void>>()

  async function read(): Promise<Key[]> {
    const rows = await listSigningKeys(reads)
    return Promise.all(
      rows.map(async (row) => {
        const privateJwk = JSON.parse(ring.open('signing-key', row.sealed, row.kid).toString())
        return {
          id: row.id,
          kid: row.kid,
          alg: row.alg,
          resourceId: row.resource_id ?? undefined,
          publicJwk: row.public_jwk,
          publicKey: (await importJWK(row.public_jwk, row.alg)) as CryptoKey,
          privateKey: (await importJWK(privateJwk, row.alg)) as CryptoKey,
          activeFrom: row.active_from,
          expiresAt: row.expires_at ?? undefined,
        }
      }),
    )
  }

  async function refresh(): Promise<Key[]> {
    reading ??= read().finally(() => {
      reading = undefined
    })
    const keys = await reading
    cache = { keys, readAt: Date.now() }
    return keys
  }

  /** Reads again. A read in progress may have begun before a key existed, so its answer is not enough. */
  async function readAgain(): Promise<Key[]> {
    await reading?.catch(() => {})
    return refresh()
  }

  async function current(): Promise<Key[]> {
    return cache && Date.now() - cache.readAt < REFRESH_MS ? cache.keys : refresh()
  }

  async function make({ alg, resourceId }: Signer, activeFrom: Date, id: string, actor: Actor = SYSTEM): Promise<void> {
    const pair = await generateKeyPair(alg, { extractable: true })
    const publicJwk = await exportJWK(pair.publicKey)
    const kid = await calculateJwkThumbprint(publicJwk)
    const privateJwk = Buffer.from(JSON.stringify(await exportJWK(pair.privateKey)))
    await commit(context(), async (work) => {
      work.actor = actor
      const stream = await work.load(signingKey, id, {})
      if (stream.state.status !== 'none') return
      stream.decide(() =>
        createKey({
          kid,
          alg,
          publicJwk: { ...publicJwk, kid, alg, use: 'sig' },
          activeFrom,
          resourceId,
          sealedPrivateJwk: ring.seal('signing-key', privateJwk, kid),
        }),
      )
    })
  }

  async function makeFirst(signer: Signer): Promise<void> {
    const id = firstKeyOf(signer)
    const underWay = making.get(id) ?? make(signer, now(), id).finally(() => making.delete(id))
    making.set(id, underWay)
    return underWay
  }

  /** The key that signs. A retired one signs until its successor is active, but not after it, though it may have been published for later. */
  const newestActive = (keys: Key[], signer: Signer) => {
    const active = keys.filter((key) => isOf(signer, key) && key.activeFrom <= now())
    return active.findLast(({ expiresAt }) => !expiresAt) ?? active.at(-1)
  }

  return {
    /** Returns the current signing key; creates it if there is none. */
    async active(alg: SigningAlgorithm, resourceId?: string): Promise<Key> {
      const signer = { alg, resourceId }
      const key = newestActive(await current(), signer) ?? newestActive(await refresh(), signer)
      if (key) return key
      await makeFirst(signer)
      const made = (await readAgain()).find((one) => isOf(signer, one))
      if (!made) throw new Error(`no active ${alg} key`)
      return made
    },

    /**
     * Returns the published key of the gateway with an id; never that of a Supabase project, whose tokens are not accepted here.
     * Reloads for an unknown id, at most every second: another instance may have created it.
     */
    async find(kid: string): Promise<Key | undefined> {
      const byKid = (keys: Key[]) => keys.find((key) => key.kid === kid && key.resourceId === undefined)
      const known = byKid(await current())
      if (known || Date.now() - askedAgainAt < UNKNOWN_KID_MS) return known
      askedAgainAt = Date.now()
      return byKid(await readAgain())
    },

    /** Returns every published key of the gateway, for its key set (RFC 7517 section 5). */
    async published(): Promise<Key[]> {
      await Promise.all([this.active('ES256'), this.active('RS256')])
      return (await current()).filter(({ resourceId }) => resourceId === undefined)
    },

    /** Returns every published key of a Supabase project, for its key set. */
    async publishedOf(resourceId: string): Promise<Key[]> {
      await this.active('ES256', resourceId)
      return (await current()).filter((key) => key.resourceId === resourceId)
    },

    /**
     * Publishes a new key per algorithm and Supabase project, which signs after caches have been refreshed; its predecessors leave
     * the key set when the last token they may have signed has expired.
     * @param overlapSeconds from publication to first use; 0 after a compromise, otherwise at least an hour for a Supabase project
     * @param tokenSeconds maximum lifetime of a token of the gateway
     * @param onlyOlderThan skips algorithms whose newest key is younger; of concurrent instances, only one creates a key
     */
    async rotate(actor: Actor, overlapSeconds: number, tokenSeconds: number, onlyOlderThan?: Date): Promise<number> {
      await this.published()
      const before = await current()
      let made = 0
      // Only the keys of a removed project are all retired.
      const valid = before.filter(({ expiresAt }) => !expiresAt)
      for (const newest of valid.filter((key, at) => !valid.some((later, n) => n > at && isOf(key, later)))) {
        const keys = valid.filter((key) => isOf(newest, key))
        if (onlyOlderThan && newest.activeFrom > onlyOlderThan) continue
        const overlap = newest.resourceId ? Math.max(overlapSeconds, SUPABASE_OVERLAP_SECONDS) : overlapSeconds
        const activeFrom = new Date(now().getTime() + (overlapSeconds === 0 ? 0 : overlap) * 1000)
        const lifetime = newest.resourceId ? SUPABASE_TOKEN_SECONDS : tokenSeconds
        const expiresAt = new Date(activeFrom.getTime() + lifetime * 1000)
        await make(newest, activeFrom, onlyOlderThan ? successorOf(newest) : newId(), actor)
        made += 1
        for (const key of keys)
          await commit(context(), async (work) => {
            work.actor = actor
            const stream = await work.load(signingKey, key.id, {})
            stream.decide((state) => retireKey(state, expiresAt))
          })
      }
      await readAgain()
      return made
    },

    /** Withdraws every retired key, after a leak. */
    async withdrawRetired(actor: Actor): Promise<void> {
      for (const { id, expiresAt } of await readAgain())
        if (expiresAt)
          await commit(context(), async (work) => {
            work.actor = actor
            const stream = await work.load(signingKey, id, {})
            stream.decide((state) => withdrawKey(state, now()))
          })
      await readAgain()
    },
  }
}

/** What a key signs for: the gateway, or one Supabase project. */
type Signer = Pick<Key, 'alg' | 'resourceId'>
const isOf = (signer: Signer, key: Key) => key.alg === signer.alg && key.resourceId === signer.resourceId

/** The stream id of a signer's first key, the same for every instance. */
function firstKeyOf({ alg, resourceId }: Signer): string {
  if (resourceId === undefined) return FIRST_KEY[alg]
  return idFrom(timeOf(resourceId), createHash('sha256').update(`first key of ${resourceId}`).digest())
}

/** The stream id of a key's successor, the same for every instance. */
function successorOf({ id, activeFrom }: Key): string {
  const hash = createHash('sha256').update(`successor of ${id}`).digest()
  return idFrom(new Date(activeFrom.getTime() + 1), hash)
}

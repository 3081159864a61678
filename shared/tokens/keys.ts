import { createHash } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type postgres from 'postgres'
import { createKey, retireKey, type SigningAlgorithm, signingKey } from '../domain/signing-key.ts'
import { type CommitContext, commit } from '../events/commit.ts'
import type { Actor } from '../events/types.ts'
import { idFrom, newId } from '../ids.ts'
import { listSigningKeys } from '../queries/signing-keys.ts'
import type { KeyRing } from './key-ring.ts'

/** Cache time of the key set, for instances and (by `Cache-Control`) clients, in seconds. */
export const KEY_SET_SECONDS = 300
const SYSTEM: Actor = { type: 'system', id: 'signing-keys' }
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
  const making = new Map<SigningAlgorithm, Promise<void>>()

  async function read(): Promise<Key[]> {
    const rows = await listSigningKeys(reads)
    return Promise.all(
      rows.map(async (row) => {
        const privateJwk = JSON.parse(ring.open('signing-key', row.sealed, row.kid).toString())
        return {
          id: row.id,
          kid: row.kid,
          alg: row.alg,
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

  async function make(alg: SigningAlgorithm, activeFrom: Date, id: string, actor: Actor = SYSTEM): Promise<void> {
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
          sealedPrivateJwk: ring.seal('signing-key', privateJwk, kid),
        }),
      )
    })
  }

  async function makeFirst(alg: SigningAlgorithm): Promise<void> {
    const underWay = making.get(alg) ?? make(alg, now(), FIRST_KEY[alg]).finally(() => making.delete(alg))
    making.set(alg, underWay)
    return underWay
  }

  const newestActive = (keys: Key[], alg: SigningAlgorithm) =>
    keys.filter((key) => key.alg === alg && key.activeFrom <= now()).at(-1)

  return {
    /** Returns the current signing key; creates it if there is none. */
    async active(alg: SigningAlgorithm): Promise<Key> {
      const key = newestActive(await current(), alg) ?? newestActive(await refresh(), alg)
      if (key) return key
      await makeFirst(alg)
      const made = (await readAgain()).find((one) => one.alg === alg)
      if (!made) throw new Error(`no active ${alg} key`)
      return made
    },

    /** Returns the published key of an id. Reloads for an unknown id, at most every second: another instance may have created it. */
    async find(kid: string): Promise<Key | undefined> {
      const byKid = (keys: Key[]) => keys.find((key) => key.kid === kid)
      const known = byKid(await current())
      if (known || Date.now() - askedAgainAt < UNKNOWN_KID_MS) return known
      askedAgainAt = Date.now()
      return byKid(await readAgain())
    },

    /** Returns every published key, for the key set (RFC 7517 section 5). */
    async published(): Promise<Key[]> {
      await Promise.all([this.active('ES256'), this.active('RS256')])
      return current()
    },

    /**
     * Publishes a new key per algorithm, which signs after caches have been refreshed; its predecessors leave the key set when the
     * last token they may have signed has expired.
     * @param overlapSeconds from publication to first use
     * @param tokenSeconds maximum lifetime of a token
     * @param onlyOlderThan skips algorithms whose newest key is younger; of concurrent instances, only one creates a key
     */
    async rotate(actor: Actor, overlapSeconds: number, tokenSeconds: number, onlyOlderThan?: Date): Promise<number> {
      const before = await this.published()
      const activeFrom = new Date(now().getTime() + overlapSeconds * 1000)
      const expiresAt = new Date(activeFrom.getTime() + tokenSeconds * 1000)
      let made = 0
      for (const alg of ['ES256', 'RS256'] as const) {
        const keys = before.filter((key) => key.alg === alg)
        const newest = keys.at(-1)
        if (!newest || (onlyOlderThan && newest.activeFrom > onlyOlderThan)) continue
        await make(alg, activeFrom, onlyOlderThan ? successorOf(newest) : newId(), actor)
        made += 1
        for (const key of keys.filter((one) => !one.expiresAt))
          await commit(context(), async (work) => {
            work.actor = actor
            const stream = await work.load(signingKey, key.id, {})
            stream.decide((state) => retireKey(state, expiresAt))
          })
      }
      await readAgain()
      return made
    },
  }
}

/** The stream id of a key's successor, the same for every instance. */
function successorOf({ id, activeFrom }: Key): string {
  const hash = createHash('sha256').update(`successor of ${id}`).digest()
  return idFrom(new Date(activeFrom.getTime() + 1), hash)
}

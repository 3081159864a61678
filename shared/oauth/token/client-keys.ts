import * as z from 'zod/mini'
import type { PublicJwk } from '../../domain/api-client.ts'
import { GatewayError } from '../../errors.ts'
import { guardedFetch } from '../../http/guarded-fetch.ts'
import { once } from '../../once.ts'
import { parsePresent } from '../../present.ts'
import type { Client } from '../../queries/api-clients.ts'

const MAX_BYTES = 65_536
const KEPT_SECONDS = 300
const AGAIN_MILLISECONDS = 10_000
const MOST_SETS = 500

const keySet = once(() =>
  z.object({
    keys: z.array(z.looseObject({ kty: z.string(), kid: z.optional(z.string()) })).check(z.maxLength(50)),
  }),
)

type Kept = { keys: PublicJwk[]; fetchedAt: number; until: number }

const kept = new Map<string, Kept>()

/** Parses a key set and drops private members. */
function parseKeySet(text: string): PublicJwk[] | undefined {
  try {
    const parsed = keySet().safeParse(parsePresent(text))
    return parsed.success ? (parsed.data.keys as PublicJwk[]) : undefined
  } catch {
    return undefined
  }
}

async function fetchKeys(url: string): Promise<Kept> {
  const unavailable = (reason: string, cause?: unknown) =>
    new GatewayError('invalid_client', { reason: `jwks_uri: ${reason}`, cause })
  const answer = await guardedFetch(url, { maxBytes: MAX_BYTES }).catch((error: unknown) => {
    throw unavailable(error instanceof Error ? error.message : 'failed', error)
  })
  const keys = answer.status === 200 ? parseKeySet(answer.body.toString()) : undefined
  if (!keys) throw unavailable(`status ${answer.status}, or no key set`)
  const seconds = Math.min(answer.maxAge ?? KEPT_SECONDS, KEPT_SECONDS)
  return { keys, fetchedAt: Date.now(), until: Date.now() + seconds * 1000 }
}

function keep(url: string, fetched: Kept): void {
  kept.delete(url)
  kept.set(url, fetched)
  const oldest = kept.keys().next().value
  if (kept.size > MOST_SETS && oldest !== undefined) kept.delete(oldest)
}

/**
 * Returns the registered public keys of a client: by value, or from its `jwks_uri`, which is fetched every five minutes or for an
 * unknown key id, but at most every ten seconds. Failures are not cached.
 * @param kid of the requested key, if known
 * @throws GatewayError invalid_client if the address cannot be read
 */
export async function clientKeys({ metadata }: Client, kid?: string): Promise<readonly PublicJwk[]> {
  const { jwks, jwks_uri: url } = metadata
  if (jwks) return jwks.keys
  if (!url) return []
  const known = kept.get(url)
  const lacks = kid !== undefined && !known?.keys.some((key) => key.kid === kid)
  const askedJustNow = known !== undefined && Date.now() - known.fetchedAt < AGAIN_MILLISECONDS
  if (known && (askedJustNow || (known.until > Date.now() && !lacks))) return known.keys
  const fetched = await fetchKeys(url)
  keep(url, fetched)
  return fetched.keys
}

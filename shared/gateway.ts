import { createHmac } from 'node:crypto'
import postgres from 'postgres'
import { type Config, config } from './config.ts'
import { createDelivery, type Deliver } from './delivery/deliver.ts'
import type { CommitContext } from './events/commit.ts'
import { createEventStore, type EventStore } from './events/store.ts'
import type { RequestFacts } from './events/types.ts'
import type { AppContext } from './http/app.ts'
import { createLimiter, type Limiter } from './http/rate-limit.ts'
import { allLimits } from './limits.ts'
import { createPersonal, type Personal } from './personal.ts'
import { callOwn, observeDelivery, observePool } from './telemetry.ts'
import { type DeriveKey, keyDerivation } from './tokens/derived-key.ts'
import { createJwts, type Jwts } from './tokens/jwt.ts'
import { createKeyUse, type KeyUse } from './tokens/key-use.ts'
import { createKeys, type Keys } from './tokens/keys.ts'
import { createOlderKeys, type OlderKeys } from './tokens/older-keys.ts'
import { createRefreshTokens, type RefreshTokens } from './tokens/refresh-token.ts'

/** Connections of each pool. */
export const POOL_SIZES = { reads: 3, writes: 4 }

/** Everything a method needs, wired once per process. */
export type Gateway = {
  config: Config
  issuer: string
  reads: postgres.Sql
  store: EventStore
  personal: Personal
  limiter: Limiter
  deliver: Deliver
  keys: Keys
  keyUse: KeyUse
  olderKeys: OlderKeys
  jwts: Jwts
  refreshTokens: RefreshTokens
  derive: DeriveKey
  /** Keyed hash of a one-time code: six digits alone could be tried out offline. */
  hashCode: (challengeId: string, code: string) => string
  close: () => Promise<void>
}

/** Wires a gateway; nothing connects before the first query. */
export function createGateway(settings: Config): Gateway {
  const connection = {
    prepare: false,
    // A pooler hands the server connection on at the first ReadyForQuery, so nothing may be sent behind a running query.
    max_pipeline: 0,
    connect_timeout: 5,
    idle_timeout: 60,
    backoff: () => 0.1,
    onnotice: () => {},
    connection: { application_name: 'auth-gateway' },
  }
  const pool = (name: keyof typeof POOL_SIZES) =>
    observePool(postgres(settings.DATABASE_URL, { ...connection, max: POOL_SIZES[name] }), name)
  const reads = pool('reads')
  const writes = pool('writes')
  const derive = keyDerivation(Buffer.from(settings.AUTH_MASTER_SECRET, 'base64'))
  const personal = createPersonal(derive)
  const store = createEventStore(reads, writes)
  const internal = (): CommitContext => ({ store, personal, request: { requestId: crypto.randomUUID() } })
  const keys = createKeys(reads, internal, derive)
  const keyUse = createKeyUse(reads)
  const pepper = derive('otp-pepper')
  return {
    config: settings,
    issuer: settings.AUTH_BASE_URL,
    reads,
    store,
    personal,
    limiter: createLimiter(writes, personal, allLimits(settings.LIMITS)),
    deliver: observeDelivery(
      createDelivery({
        functionsUrl: settings.SUPABASE_FUNCTIONS_URL,
        webhookSecret: settings.OTP_WEBHOOK_SECRET,
        fetch: callOwn,
      }),
    ),
    keys,
    keyUse,
    olderKeys: createOlderKeys(reads),
    jwts: createJwts(keys, settings.AUTH_BASE_URL),
    refreshTokens: createRefreshTokens(derive('refresh-token')),
    derive,
    hashCode: (challengeId, code) => createHmac('sha256', pepper).update(`${challengeId}.${code}`).digest('hex'),
    close: async () => {
      await keyUse.flush()
      await Promise.all([reads.end({ timeout: 5 }), writes.end({ timeout: 5 })])
    },
  }
}

let wired: Gateway | undefined

/** The gateway of this process. */
export function gateway(): Gateway {
  wired ??= createGateway(config())
  return wired
}

/** What a unit of work needs to know of the request it serves. */
export function commitContext({ store, personal }: Gateway, c: AppContext): CommitContext {
  const request: RequestFacts = {
    requestId: c.get('requestId'),
    clientIp: c.get('clientIp'),
    userAgent: c.get('userAgent'),
  }
  return { store, personal, request }
}

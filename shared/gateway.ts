import { createHmac } from 'node:crypto'
import postgres from 'postgres'
import { arrayTypes } from './array-types.ts'
import { type Config, config, messageBrand } from './config.ts'
import { createDatabaseClock, type DatabaseClock } from './database-clock.ts'
import { databaseTls } from './database-tls.ts'
import { createDelivery, type Deliver } from './delivery/deliver.ts'
import { GatewayError } from './errors.ts'
import type { CommitContext } from './events/commit.ts'
import { createRefusalLog, type RefusalLog } from './events/refusal-log.ts'
import { createEventStore, type EventStore } from './events/store.ts'
import { serveCallsFrom } from './http/call.ts'
import { beforeRequests } from './http/first-request.ts'
import { createLimiter, type Limiter } from './http/rate-limit.ts'
import { newId, useCell } from './ids.ts'
import { allLimits } from './limits.ts'
import { log } from './log.ts'
import { createPersonal, type Personal } from './personal.ts'
import { changedKeyRing, testAtOnce } from './queries/opening.ts'
import { type Inspection, type OpenedRing, openDatabase, openStoredRing, StartError, startWarnings } from './start.ts'
import { callOwn, observeDelivery, observePool } from './telemetry.ts'
import { createJwts, type Jwts } from './tokens/jwt.ts'
import { createKeyRing, type KeyRing, type RingKey } from './tokens/key-ring.ts'
import { createKeyUse, type KeyUse } from './tokens/key-use.ts'
import { createKeys, type Keys } from './tokens/keys.ts'
import { createOlderKeys, type OlderKeys } from './tokens/older-keys.ts'
import { createRefreshTokens, type RefreshTokens } from './tokens/refresh-token.ts'
import { configuredRoots } from './tokens/roots.ts'

/** Connections of each pool. */
export const poolSizes = ({ DATABASE_READ_CONNECTIONS, DATABASE_WRITE_CONNECTIONS }: Config) => ({
  reads: DATABASE_READ_CONNECTIONS,
  writes: DATABASE_WRITE_CONNECTIONS,
})

/** The dependencies of all methods, created once per process. */
export type Gateway = {
  config: Config
  issuer: string
  reads: postgres.Sql
  store: EventStore
  personal: Personal
  limiter: Limiter
  refusals: RefusalLog
  deliver: Deliver
  keys: Keys
  keyUse: KeyUse
  olderKeys: OlderKeys
  jwts: Jwts
  refreshTokens: RefreshTokens
  ring: KeyRing
  /** The time by the database's clock, for all decisions that involve several instances. */
  now: () => Date
  clock: DatabaseClock
  /** Keyed hash of a one-time code, since a plain hash of six digits could be brute-forced offline. */
  hashCode: (challengeId: string, code: string) => string
  close: () => Promise<void>
}

type Pools = Record<'reads' | 'writes', postgres.Sql>

function createPools(settings: Config): Pools {
  const connection = {
    prepare: false,
    fetch_types: false,
    types: arrayTypes,
    // A pooler releases the server connection at the first ReadyForQuery, so queries must not be pipelined.
    max_pipeline: 0,
    connect_timeout: 5,
    idle_timeout: 60,
    backoff: () => 0.1,
    onnotice: () => {},
    connection: { application_name: 'auth-gateway' },
    ...databaseTls(settings.DATABASE_URL, settings),
  }
  const sizes = poolSizes(settings)
  const pool = (name: keyof Pools) =>
    observePool(postgres(settings.DATABASE_URL, { ...connection, max: sizes[name] }), name)
  return { reads: pool('reads'), writes: pool('writes') }
}

const endPools = ({ reads, writes }: Pools) => Promise.all([reads.end({ timeout: 5 }), writes.end({ timeout: 5 })])

/**
 * Creates a gateway with the keys of its database. It connects at the first query, and does not check the database.
 */
export function createGateway(
  settings: Config,
  ringKeys: RingKey[],
  pools = createPools(settings),
  clock = createDatabaseClock(),
): Gateway {
  const { reads, writes } = pools
  useCell(settings.CELL)
  const { now } = clock
  const ring = createKeyRing(ringKeys, now)
  const personal = createPersonal(ring)
  const store = createEventStore(reads, writes, settings.DATABASE_WRITE_CONNECTIONS)
  const internal = (): CommitContext => ({ gateway: { store, personal }, request: { id: newId() } })
  const keys = createKeys(reads, internal, ring, now)
  const keyUse = createKeyUse(reads)
  const limiter = createLimiter(writes, personal, allLimits(settings.LIMITS))
  const refusals = createRefusalLog(limiter.of, now)
  return {
    config: settings,
    issuer: settings.AUTH_BASE_URL,
    reads,
    store,
    personal,
    limiter,
    refusals,
    deliver: observeDelivery(
      createDelivery({
        brand: messageBrand(settings),
        functionsUrl: settings.SUPABASE_FUNCTIONS_URL,
        webhookSecret: settings.OTP_WEBHOOK_SECRET,
        fetch: callOwn,
        now,
      }),
    ),
    keys,
    keyUse,
    olderKeys: createOlderKeys(reads),
    jwts: createJwts(keys, settings.AUTH_BASE_URL, now),
    refreshTokens: createRefreshTokens(ring),
    ring,
    now,
    clock,
    hashCode: (challengeId, code) =>
      createHmac('sha256', ring.key('otp-pepper')).update(`${challengeId}.${code}`).digest('hex'),
    close: async () => {
      await keyUse.flush()
      await refusals.flush({ all: true })
      await endPools(pools)
    },
  }
}

/**
 * Creates a gateway after checking its database.
 * @throws StartError if the check fails; the driver's error if the database is unreachable
 */
export async function openGateway(
  settings: Config,
): Promise<{ gateway: Gateway } & Inspection & { ring: OpenedRing; isNew: boolean }> {
  const pools = createPools(settings)
  try {
    const found = await openDatabase(pools.reads, settings)
    if (!(await testAtOnce(pools.reads)))
      log.warn('each statement takes two round trips, with this version of the driver')
    return { gateway: createGateway(settings, found.ring.keys, pools, found.clock), ...found }
  } catch (error) {
    await endPools(pools)
    throw error
  }
}

/** Clock skew of this machine from which a warning is logged. */
const NOTED_SKEW_MILLISECONDS = 2000

/**
 * Refuses a database that has lost events covered by a checkpoint kept outside it.
 * @throws StartError database_restored
 */
async function refuseLostHistory(gateway: Gateway): Promise<void> {
  const { CHECKPOINT_FILE, CHECKPOINT_URL } = gateway.config
  if (!CHECKPOINT_FILE && !CHECKPOINT_URL) return
  const { findLostHistory } = await import('./audit/lost-history.ts')
  if (await findLostHistory(gateway)) throw new StartError('database_restored')
}

/** How long a failed environment check is cached. */
const WRONG_MILLISECONDS = 5000

let wired: Gateway | undefined
let ringRead = { version: 0, at: 0 }
let comparing: Promise<void> | undefined
let opening: Promise<Gateway> | undefined

/**
 * The gateway of this process.
 * @throws GatewayError 503 until the database has been inspected: see `startGateway`
 */
export function gateway(): Gateway {
  if (!wired) throw new GatewayError('service_unavailable', { reason: 'not_open', retryAfter: 2 })
  return wired
}

async function open(): Promise<Gateway> {
  const settings = config()
  const found = await openGateway(settings)
  const count = configuredRoots(settings).length
  if (count > 1) log.info('the database uses this root', { number: found.ring.root + 1, of: count })
  await refuseLostHistory(found.gateway).catch(async (error) => {
    await found.gateway.close()
    throw error
  })
  const skew = found.clock.offset()
  if (Math.abs(skew) > NOTED_SKEW_MILLISECONDS) log.warn('the clock of this machine is off', { milliseconds: -skew })
  for (const warning of found.warnings) log.warn(startWarnings[warning], { reason: warning })
  wired = found.gateway
  ringRead = { version: found.ring.version, at: Date.now() }
  return wired
}

/**
 * Opens the gateway of this process, once; after a failure the next call retries.
 * @throws StartError if the environment is invalid; the driver's error if the database is unreachable
 */
export function startGateway(): Promise<Gateway> {
  opening ??= open().catch((error) => {
    const again = () => {
      opening = undefined
    }
    if (error instanceof StartError) setTimeout(again, WRONG_MILLISECONDS).unref()
    else again()
    throw error
  })
  return opening
}

/**
 * Checks again whether the database has lost events by a restore while this process runs. If so, the process serves nothing until
 * it has opened a complete database.
 * @throws StartError database_restored
 */
export async function refuseRestoredDatabase(gateway: Gateway): Promise<void> {
  await refuseLostHistory(gateway).catch(async (error) => {
    if (wired === gateway) {
      wired = undefined
      opening = undefined
      await gateway.close()
    }
    throw error
  })
}

/** Closes the gateway of this process, if it is open. */
export async function closeGateway(): Promise<void> {
  await wired?.close()
}

/** Reads the key ring if it was changed. A process whose roots do not open the new one keeps its keys. */
async function compareRing({ config: settings, reads, ring }: Gateway): Promise<void> {
  const changed = await changedKeyRing(reads, ringRead.version)
  if (changed) ring.replace((await openStoredRing(changed, configuredRoots(settings))).keys)
  ringRead = { version: changed?.version ?? ringRead.version, at: Date.now() }
}

/** Compares the key ring with the stored one when it is due; returns what a request has to wait for, when that is long ago. */
function ringDue(gateway: Gateway): (() => Promise<void>) | undefined {
  const age = Date.now() - ringRead.at
  const refreshMs = gateway.config.KEY_RING_SECONDS * 1000
  if (age < refreshMs) return undefined
  comparing ??= compareRing(gateway)
    .catch((error) => log.error('the key ring cannot be read again', { error }))
    .finally(() => {
      comparing = undefined
    })
  const work = comparing
  return age < 2 * refreshMs ? undefined : () => work
}

const openForRequest = () =>
  startGateway().catch((error) => {
    if (!(error instanceof StartError)) throw error
    throw new GatewayError('service_unavailable', { reason: error.problem, retryAfter: 30, cause: error })
  })

beforeRequests(() => (wired ? ringDue(wired) : openForRequest))

serveCallsFrom(() => wired)

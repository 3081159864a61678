import type postgres from 'postgres'
import { type Config, relyingPartyId } from './config.ts'
import { createDatabaseClock, type DatabaseClock } from './database-clock.ts'
import {
  addToKeyRing,
  changedKeyRing,
  type DatabaseState,
  keepKeyRing,
  readDatabaseState,
  sealedExample,
} from './queries/opening.ts'
import { createKeyRing, firstKeys, missingKeys, type RingKey } from './tokens/key-ring.ts'
import {
  configuredRoots,
  openRing,
  type Root,
  rootSecrets,
  type StoredRing,
  sealMore,
  sealRing,
} from './tokens/roots.ts'

/** The newest migration of `supabase/migrations` that this code needs. */
export const NEEDED_MIGRATION = { version: '030', name: 'seeded_clients' }

/** Why a process refuses to serve from a database. `docs/configuration.md` lists the messages and remedies. */
export const startErrors = {
  database_refused: 'The database refuses DATABASE_URL: there is no such database or role, or the password is wrong.',
  not_migrated: 'The database has no tables of the gateway, or they are not for the role in DATABASE_URL.',
  migrations_missing: 'The database lacks migrations that this version needs.',
  root: 'No configured root (AUTH_MASTER_SECRET) opens the key ring of this database.',
  relying_party:
    'Passkeys are registered for another domain, and work for no other one: set WEBAUTHN_RP_ID to that domain.',
  database_restored:
    'The kept checkpoint is ahead of the database, which was restored from an older backup: npm run events -- after-restore.',
  projection_disabled: 'The trigger project_event is disabled: what is appended would not reach the read models.',
} as const

/** Warnings about a database that a process serves from nevertheless. */
export const startWarnings = {
  newer_migrations: 'The database has migrations that are newer than this version.',
  append_only_disabled: 'Append-only triggers are disabled: the owner of the database could rewrite the log.',
  foreign_grants: 'Roles other than the gateway may use the schema auth_gateway.',
} as const

type StartProblem = keyof typeof startErrors
type StartWarning = keyof typeof startWarnings

/** The environment is invalid, and a retry will not help until it is changed. */
export class StartError extends Error {
  constructor(readonly problem: StartProblem) {
    super(startErrors[problem])
  }
}

/** The key ring of a database, opened. */
export type OpenedRing = {
  /** The version that was read. */
  version: number
  /** Which of the configured roots it is sealed under, from 0. */
  root: number
  keys: RingKey[]
}

/** Opens the key ring with the configured root that it is sealed under. @throws StartError if none is, or the ring was changed */
export async function openStoredRing(stored: StoredRing, roots: Root[]): Promise<OpenedRing> {
  const index = roots.findIndex(({ id }) => id === stored.root)
  const root = roots[index]
  if (!root) throw new StartError('root')
  return { version: stored.version, root: index, keys: await openRing(stored, root) }
}

/**
 * Returns the keys for a database without a ring: those derived from its master secret if it has sealed values.
 * @throws StartError if no configured secret opens them
 */
async function keysWithoutRing(sql: postgres.Sql, settings: Config): Promise<RingKey[]> {
  const known = await sealedExample(sql)
  if (!known) return firstKeys()
  const opens = (keys: RingKey[]) => {
    try {
      return createKeyRing(keys, () => new Date()).open(known.purpose, known.sealed, known.context).length > 0
    } catch {
      return false
    }
  }
  const found = rootSecrets(settings).map(firstKeys).find(opens)
  if (!found) throw new StartError('root')
  return found
}

const REFUSED = new Set(['28P01', '28000', '3D000', '42501'])
const NOT_MIGRATED = new Set(['42P01', '3F000', '42501'])

function startErrorOf(error: unknown): unknown {
  const { code } = error as { code?: string }
  if (code !== undefined && NOT_MIGRATED.has(code)) return new StartError('not_migrated')
  if (code !== undefined && REFUSED.has(code)) return new StartError('database_refused')
  return error
}

function problemOf(
  { isMigrated, disabledTriggers, relyingParty }: DatabaseState,
  settings: Config,
): StartProblem | undefined {
  if (!isMigrated) return 'migrations_missing'
  if (relyingParty !== null && relyingParty !== relyingPartyId(settings)) return 'relying_party'
  if (disabledTriggers.includes('project_event')) return 'projection_disabled'
  return undefined
}

function warningsOf({ newestMigration, disabledTriggers, foreignRoles }: DatabaseState): StartWarning[] {
  const found: Record<StartWarning, boolean> = {
    newer_migrations: (newestMigration ?? '') > NEEDED_MIGRATION.version,
    append_only_disabled: disabledTriggers.some((name) => name.startsWith('append_only')),
    foreign_grants: foreignRoles.length > 0,
  }
  return (Object.keys(found) as StartWarning[]).filter((name) => found[name])
}

export type Inspection = {
  /** The key ring; a new database has none yet. */
  ring?: OpenedRing
  warnings: StartWarning[]
  /** Measured during the inspection. */
  clock: DatabaseClock
}

/**
 * Checks whether a process may serve from a database, and opens its key ring. Changes nothing.
 * @throws StartError if it may not; the driver's error if the database is unreachable
 */
export async function inspectDatabase(sql: postgres.Sql, settings: Config): Promise<Inspection> {
  const clock = createDatabaseClock()
  const sentAt = Date.now()
  const state = await readDatabaseState(sql, NEEDED_MIGRATION).catch((error) => Promise.reject(startErrorOf(error)))
  clock.measure(state.now, sentAt)
  const problem = problemOf(state, settings)
  if (problem) throw new StartError(problem)
  const found = { warnings: warningsOf(state), clock }
  if (state.ring) return { ...found, ring: await openStoredRing(state.ring, configuredRoots(settings)) }
  await keysWithoutRing(sql, settings)
  return found
}

/**
 * Adds the keys that a ring lacks. Of several processes that do so, the first one's keys count.
 * @param lacking returns them
 */
export async function completeRing(
  sql: postgres.Sql,
  opened: OpenedRing,
  roots: Root[],
  lacking: (ring: readonly RingKey[]) => RingKey[],
): Promise<OpenedRing> {
  if (lacking(opened.keys).length === 0) return opened
  const stored = await changedKeyRing(sql, 0)
  const now = stored && (await openStoredRing(stored, roots))
  const [missing, root] = [now ? lacking(now.keys) : [], roots[now?.root ?? -1]]
  if (!now || !root || missing.length === 0) return now ?? opened
  await addToKeyRing(sql, now.version, await sealMore(missing, stored, root))
  return completeRing(sql, now, roots, lacking)
}

/**
 * The same, and stores a key ring in a database without one.
 * @throws StartError, also if another process has stored one under another root
 */
export async function openDatabase(
  sql: postgres.Sql,
  settings: Config,
): Promise<Inspection & { ring: OpenedRing; isNew: boolean }> {
  const { ring, ...found } = await inspectDatabase(sql, settings)
  const roots = configuredRoots(settings)
  if (ring) return { ...found, ring: await completeRing(sql, ring, roots, missingKeys), isNew: false }
  const [first] = roots
  if (!first) throw new StartError('root')
  const kept = await keepKeyRing(sql, await sealRing(await keysWithoutRing(sql, settings), first))
  return { ...found, ring: await openStoredRing(kept, roots), isNew: true }
}

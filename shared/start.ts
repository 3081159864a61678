import type postgres from 'postgres'
import { type Config, masterSecrets, relyingPartyId } from './config.ts'
import { createDatabaseClock, type DatabaseClock } from './database-clock.ts'
import { type DatabaseState, keepKeyCheck, oldestSubjectKey, readDatabaseState } from './queries/opening.ts'
import { type DeriveKey, keyDerivation } from './tokens/derived-key.ts'
import { openBytes, sealBytes } from './tokens/sealed.ts'

/** The newest migration of `supabase/migrations` that this code needs. */
export const NEEDED_MIGRATION = { version: '030', name: 'seeded_clients' }

/** Why a process refuses to serve from a database. `docs/configuration.md` lists the messages and remedies. */
export const startErrors = {
  database_refused: 'The database refuses DATABASE_URL: there is no such database or role, or the password is wrong.',
  not_migrated: 'The database has no tables of the gateway, or they are not for the role in DATABASE_URL.',
  migrations_missing: 'The database lacks migrations that this version needs.',
  master_secret: 'AUTH_MASTER_SECRET is not the one of this database.',
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

const KEY_CHECK = 'lanonasis-auth-gateway'
const sealKeyCheck = (derive: DeriveKey) => sealBytes(derive('key-check'), Buffer.from(KEY_CHECK), 'key-check')

function opens(open: () => Buffer): boolean {
  try {
    open()
    return true
  } catch {
    return false
  }
}

/** Which of the configured master secrets opens a key-check value, from 0; -1 for none. */
export function findMasterSecret(settings: Pick<Config, 'AUTH_MASTER_SECRET'>, keyCheck: Uint8Array): number {
  return masterSecrets(settings).findIndex((secret) =>
    opens(() => openBytes(keyDerivation(secret)('key-check'), keyCheck, 'key-check')),
  )
}

/** The first master secret, if the database has no data keys or the secret opens them. */
async function secretWithoutKeyCheck(sql: postgres.Sql, settings: Config): Promise<number> {
  const known = await oldestSubjectKey(sql)
  if (!known) return 0
  return masterSecrets(settings).findIndex((secret) =>
    opens(() => openBytes(keyDerivation(secret)('subject-key-wrapping'), known.wrapped_key, known.subject)),
  )
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
  /** Which of the configured master secrets is that of the database, from 0. */
  secret: number
  /** A new database has no key-check value yet. */
  isNew: boolean
  warnings: StartWarning[]
  /** Measured during the inspection. */
  clock: DatabaseClock
}

/**
 * Checks whether a process may serve from a database, and with which master secret. Changes nothing.
 * @throws StartError if it may not; the driver's error if the database is unreachable
 */
export async function inspectDatabase(sql: postgres.Sql, settings: Config): Promise<Inspection> {
  const clock = createDatabaseClock()
  const sentAt = Date.now()
  const state = await readDatabaseState(sql, NEEDED_MIGRATION).catch((error) => Promise.reject(startErrorOf(error)))
  clock.measure(state.now, sentAt)
  const problem = problemOf(state, settings)
  if (problem) throw new StartError(problem)
  const { keyCheck } = state
  const secret = keyCheck ? findMasterSecret(settings, keyCheck) : await secretWithoutKeyCheck(sql, settings)
  if (secret < 0) throw new StartError('master_secret')
  return { secret, isNew: !keyCheck, warnings: warningsOf(state), clock }
}

/**
 * The same, and stores a key-check value in a new database.
 * @throws StartError, also if another process has initialized the database with another secret
 */
export async function openDatabase(sql: postgres.Sql, settings: Config): Promise<Inspection> {
  const found = await inspectDatabase(sql, settings)
  if (!found.isNew) return found
  const master = masterSecrets(settings)[found.secret]
  if (!master) throw new StartError('master_secret')
  const secret = findMasterSecret(settings, await keepKeyCheck(sql, sealKeyCheck(keyDerivation(master))))
  if (secret < 0) throw new StartError('master_secret')
  return { ...found, secret }
}

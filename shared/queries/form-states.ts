import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'

/**
 * Claims a key until a time, for one of several concurrent callers.
 * @returns whether the caller is the first, and the value that the first one has stored
 */
export async function claimFormState(
  sql: postgres.Sql,
  key: Uint8Array,
  { now, until }: { now: Date; until: Date },
): Promise<{ first: boolean; sealed: Uint8Array | null }> {
  const [row] = await atOnce(sql<{ first: boolean; sealed: Uint8Array | null }[]>`
    select first, sealed from auth_gateway.claim_form_state(${Buffer.from(key)}, ${now}, ${until})`)
  return row ?? { first: false, sealed: null }
}

/** Stores a sealed value under a key until a time, and replaces an earlier one. */
export async function keepFormState(
  sql: postgres.Sql,
  key: Uint8Array,
  { sealed, until }: { sealed: Uint8Array; until: Date },
): Promise<void> {
  await atOnce(sql`select auth_gateway.keep_form_state(${Buffer.from(key)}, ${Buffer.from(sealed)}, ${until})`)
}

/** The sealed value under a key that has not expired. */
export async function findFormState(sql: postgres.Sql, key: Uint8Array, now: Date): Promise<Uint8Array | undefined> {
  const [row] = await atOnce(sql<{ sealed: Uint8Array | null }[]>`
    select sealed from auth_gateway.form_states where key = ${Buffer.from(key)} and expires_at > ${now}`)
  return row?.sealed ?? undefined
}

export async function forgetFormState(sql: postgres.Sql, key: Uint8Array): Promise<void> {
  await atOnce(sql`select auth_gateway.forget_form_state(${Buffer.from(key)})`)
}

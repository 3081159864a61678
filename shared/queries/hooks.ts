import type postgres from 'postgres'
import type { HookSettings } from '../domain/hook.ts'
import { secretOf } from './event-secrets.ts'

export type HookRow = { id: string; settings: HookSettings; secret: Uint8Array | null }

/** Every hook with its sealed secret, oldest first. */
export function listHooks(sql: postgres.Sql): Promise<HookRow[]> {
  return sql<HookRow[]>`
    select h.id, h.settings, ${secretOf(sql, sql`h.secret_event`, 'signing_secret')} as secret from auth_gateway.hooks h
    order by h.added_at, h.id`
}

type HookCallRow = {
  called_at: Date
  outcome: string
  decision: string | null
  failure: string | null
  milliseconds: number
  uai: string | null
}

/** The newest calls of a hook. */
export function listHookCalls(sql: postgres.Sql, hookId: string): Promise<HookCallRow[]> {
  return sql<HookCallRow[]>`
    select called_at, outcome, decision, failure, milliseconds, uai from auth_gateway.hook_calls
    where hook_id = ${hookId} order by called_at desc limit 100`
}

/** Whether an organization that a hook names exists. */
export async function organizationExists(sql: postgres.Sql, id: string): Promise<boolean> {
  const [row] = await sql<{ there: boolean }[]>`
    select exists (select 1 from auth_gateway.organizations where id = ${id}) as there`
  return row?.there ?? false
}

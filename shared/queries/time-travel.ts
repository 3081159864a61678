import type postgres from 'postgres'
import { GatewayError } from '../errors.ts'

type Held = { id: string; scopes: string[]; expires_at: string | null }

/** What a person could do at a time, before looking at what each thing needs of the others. */
export type StateAt = {
  uai: string
  status: string
  role: string
  organization_id: string
  merged_into: string | null
  sessions: { id: string; method: string; amr: string[]; acr: string; started_at: string; expires_at: string }[]
  tokens: (Held & { kind: string; client_id: string; resources: string[]; actor: object | null })[]
  keys: (Held & { preview: string; owner: string })[]
  agents: (Held & { client_id: string; resources: string[] })[]
  consents: { client_id: string; scopes: string[]; resources: string[]; granted_at: string }[]
}

/**
 * Who could do what at a time, by a replay of the log into a schema of its own.
 * @param people whose; everybody's when absent, which reads the whole log
 * @throws GatewayError invalid_request for a time that is still to come
 */
export async function stateAt(sql: postgres.Sql, at: Date, people?: string[]): Promise<StateAt[]> {
  if (at > new Date()) throw new GatewayError('invalid_request', { details: { at: ['must not be in the future'] } })
  const [row] = await sql<
    { state: StateAt[] }[]
  >`select auth_gateway.state_at(${at}, ${people ?? null}::uuid[]) as state`
  return row?.state ?? []
}

import type postgres from 'postgres'
import type { Person } from './person.ts'

export type OperatorCodeListing = {
  id: string
  uai: string
  status: 'waiting' | 'ready' | 'used' | 'revoked' | 'locked'
  operator: string
  second_operator: string | null
  reason: string
  requested_at: Date
  expires_at: Date
}

const columns = (sql: postgres.Sql) =>
  sql`o.id, o.uai, o.status, o.operator, o.second_operator, o.reason, o.requested_at, o.expires_at`

/** The codes that operators made for a person in the last 90 days, newest first. */
export async function listOperatorCodesOf(
  sql: postgres.Sql,
  { members }: Pick<Person, 'members'>,
): Promise<OperatorCodeListing[]> {
  return sql<OperatorCodeListing[]>`
    select ${columns(sql)} from auth_gateway.operator_codes o
    where o.uai = any (${members}) and o.requested_at > now() - interval '90 days' order by o.requested_at desc limit 50`
}

/** Codes that can still be agreed to or used, newest first. @param organizationId only of its people, where given */
export async function listOpenOperatorCodes(
  sql: postgres.Sql,
  organizationId: string | undefined,
): Promise<OperatorCodeListing[]> {
  return sql<OperatorCodeListing[]>`
    select ${columns(sql)} from auth_gateway.operator_codes o join auth_gateway.identities i on i.uai = o.uai
    where o.status in ('waiting', 'ready') and o.expires_at > now()
      and (${organizationId ?? null}::uuid is null or i.organization_id = ${organizationId ?? null}::uuid)
    order by o.requested_at desc limit 100`
}

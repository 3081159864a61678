import type postgres from 'postgres'
import type { Personal } from '../personal.ts'
import type { Person } from './person.ts'

export type OperatorCodeListing = {
  id: string
  uai: string
  /** The person's address. */
  email?: string
  /** `void`: the person's role, organization or account has changed. */
  status: 'waiting' | 'ready' | 'used' | 'revoked' | 'locked' | 'void'
  operator: string
  second_operator: string | null
  reason: string
  requested_at: Date
  expires_at: Date
}

type Row = Omit<OperatorCodeListing, 'email' | 'reason'> &
  Record<'email' | 'reason', string | null> & {
    wrapped_key: Uint8Array | null
  }

const columns = (sql: postgres.Sql) => sql`
  select o.id, o.uai, i.email,
    case when o.status in ('waiting', 'ready') and (i.standing <> o.standing or i.canonical_uai <> i.uai) then 'void' else o.status end as status,
    o.operator, o.second_operator, o.reason, o.requested_at, o.expires_at, k.wrapped_key
  from auth_gateway.operator_codes o join auth_gateway.identities i on i.uai = o.uai
  left join auth_gateway.subject_keys k on k.subject = o.uai`

function toListing(personal: Personal, { email, reason, wrapped_key, ...facts }: Row): OperatorCodeListing {
  const open = personal.opener(facts.uai, wrapped_key)
  return { ...facts, email: open(email), reason: open(reason) ?? '' }
}

/** The codes that operators created for a person in the last 90 days, newest first. */
export async function listOperatorCodesOf(
  sql: postgres.Sql,
  personal: Personal,
  { members }: Pick<Person, 'members'>,
): Promise<OperatorCodeListing[]> {
  const rows = await sql<Row[]>`
    ${columns(sql)}
    where o.uai = any (${members}) and o.requested_at > now() - interval '90 days' order by o.requested_at desc limit 50`
  return rows.map((row) => toListing(personal, row))
}

/** Codes that can still be approved or used, newest first. @param organizationId only of its people, if given */
export async function listOpenOperatorCodes(
  sql: postgres.Sql,
  personal: Personal,
  organizationId: string | undefined,
): Promise<OperatorCodeListing[]> {
  const rows = await sql<Row[]>`
    ${columns(sql)}
    where o.status in ('waiting', 'ready') and o.expires_at > now() and i.standing = o.standing and i.canonical_uai = i.uai
      and (${organizationId ?? null}::uuid is null or i.organization_id = ${organizationId ?? null}::uuid)
    order by o.requested_at desc limit 100`
  return rows.map((row) => toListing(personal, row))
}

import type postgres from 'postgres'
import type { Evidence } from '../domain/identity.ts'
import type { Personal } from '../personal.ts'
import type { Person } from './person.ts'

type CredentialRecord = {
  id: string
  /** The identity it was linked to, which may have been merged later. */
  uai: string
  kind: 'email' | 'phone' | 'external'
  provider?: string
  /** The address, phone number or account id. */
  address?: string
  verified: boolean
  /** Whether it can be signed in with. */
  usable: boolean
  evidence: Evidence
  linkedAt: Date
}

type Row = Omit<CredentialRecord, 'provider' | 'address'> & {
  provider: string | null
  sealed: string | null
  wrapped_key: Uint8Array | null
}

/** The credentials of a person, across all merged identities, oldest first. One statement. */
export async function listCredentials(
  sql: postgres.Sql,
  personal: Personal,
  { members }: Pick<Person, 'members'>,
): Promise<CredentialRecord[]> {
  const rows = await sql<Row[]>`
    select c.id, c.uai, c.kind, c.provider, c.address as sealed, c.verified, auth_gateway.is_way_in(c) as usable, c.evidence,
      c.linked_at as "linkedAt", k.wrapped_key
    from auth_gateway.credentials c left join auth_gateway.subject_keys k on k.subject = c.uai
    where c.uai = any (${members}) order by c.linked_at, c.id`
  return rows.map(({ provider, sealed, wrapped_key, ...facts }) => ({
    ...facts,
    provider: provider ?? undefined,
    address: personal.opener(facts.uai, wrapped_key)(sealed),
  }))
}

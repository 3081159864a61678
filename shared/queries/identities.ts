import type postgres from 'postgres'
import type { Personal } from '../personal.ts'
import { type Client, clientColumn } from './api-clients.ts'
import { joinPerson, type Person, type PersonRow, toPerson } from './person.ts'

/** The person a UAI resolves to, also after a merge. One statement. */
export async function findPerson(sql: postgres.Sql, personal: Personal, uai: string): Promise<Person | undefined> {
  const [row] = await sql<PersonRow[]>`
    select i.* from (select 1) as one ${joinPerson(sql, sql`${uai}::uuid`)}`
  return row?.uai ? toPerson(personal, row) : undefined
}

/** Resolves many accounts or UAIs, in order; null for unknown ones. One statement. */
export async function resolveMany(
  sql: postgres.Sql,
  asked: { digest?: Uint8Array; uai?: string }[],
): Promise<(string | null)[]> {
  const digests = asked.map(({ digest }) => (digest ? Buffer.from(digest).toString('hex') : null))
  const uais = asked.map(({ uai }) => uai ?? null)
  const rows = await sql<{ uai: string | null }[]>`
    select i.canonical_uai as uai
    from unnest(${digests}::text[], ${uais}::uuid[]) with ordinality as a(digest, uai, n)
    left join auth_gateway.credentials c on c.kind = 'external' and c.digest = decode(a.digest, 'hex')
    left join auth_gateway.identities i on i.uai = coalesce(a.uai, c.uai) and i.status <> 'erased'
    order by a.n`
  return rows.map(({ uai }) => uai)
}

/** The sign-in methods that a merged identity (with those merged into it) and the rest would have after a split, and all members. */
export async function countSides(
  sql: postgres.Sql,
  uai: string,
): Promise<{ own: number; rest: number; members: string[] } | undefined> {
  const [row] = await sql<{ own: number; rest: number; members: string[] }[]>`
    with recursive part as (
      select uai from auth_gateway.identities where uai = ${uai}
      union all select i.uai from auth_gateway.identities i join part on i.merged_into = part.uai)
    select r.members::text[] as members,
      count(c.id) filter (where c.uai in (select uai from part))::int as own,
      count(c.id) filter (where c.uai not in (select uai from part))::int as rest
    from auth_gateway.identities i join auth_gateway.identities r on r.uai = i.canonical_uai
    left join auth_gateway.credentials c on c.uai = any (r.members) and c.digest is not null
    where i.uai = ${uai} group by r.members`
  return row
}

type ProvenanceEntry = {
  event_type: string
  uai: string
  recorded_at: Date
  data: Record<string, unknown>
  metadata: { actorType?: string; actor?: string; clientId?: string; requestId?: string }
}

/** The links, unlinks, merges and splits of some identities, with actor, time and evidence, oldest first. */
export function listProvenance(sql: postgres.Sql, members: string[]): Promise<ProvenanceEntry[]> {
  return sql<ProvenanceEntry[]>`
    select event_type, stream_id as uai, recorded_at, data - 'sealed' as data, metadata - 'origin' as metadata
    from auth_gateway.event_store where stream_type = 'identity' and stream_id = any (${members}) order by position limit 1000`
}

type Row = PersonRow & { client: Client | null; resources: string[]; addressKnown: boolean }

/**
 * The person an external account is linked to, whether its address belongs to a person here, the client a sign-in is for, and the
 * default resources. One statement.
 * @param input.digest of the account, `input.addressDigest` of the address that it has there
 */
export async function findExternal(
  sql: postgres.Sql,
  personal: Personal,
  input: { digest: Uint8Array; addressDigest?: Uint8Array; clientId?: string },
): Promise<{ person?: Person; addressKnown: boolean; client?: Client; resources: string[] }> {
  const address = input.addressDigest ? Buffer.from(input.addressDigest) : null
  const [row] = await sql<Row[]>`
    select i.*, ${clientColumn(sql, input.clientId)},
      exists (select 1 from auth_gateway.credentials a where a.kind = 'email' and a.digest = ${address}) as "addressKnown",
      array(select r.identifier from auth_gateway.protected_resources r where r.is_default) as resources
    from (select 1) as one
    left join auth_gateway.credentials c on c.kind = 'external' and c.digest = ${Buffer.from(input.digest)}
    ${joinPerson(sql, sql`c.uai`)}`
  if (!row) throw new Error('lookup returned no row')
  const { addressKnown, resources } = row
  const person = row.uai ? toPerson(personal, row) : undefined
  return { person, addressKnown, client: row.client ?? undefined, resources }
}

/** The person with an address. One statement. */
export async function findByAddress(
  sql: postgres.Sql,
  personal: Personal,
  digest: Uint8Array,
): Promise<Person | undefined> {
  const [row] = await sql<PersonRow[]>`
    select i.* from auth_gateway.credentials c ${joinPerson(sql, sql`c.uai`)}
    where c.kind = 'email' and c.digest = ${Buffer.from(digest)}`
  return row?.uai ? toPerson(personal, row) : undefined
}

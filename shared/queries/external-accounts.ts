import type postgres from 'postgres'
import type { Personal } from '../personal.ts'
import { type Client, clientColumn } from './api-clients.ts'
import { joinPerson, type Person, type PersonRow, toPerson } from './person.ts'

type Row = PersonRow & { client: Client | null; default_resources: string[] | null; address_known: boolean }

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
      exists (select 1 from auth_gateway.credentials a where a.kind = 'email' and a.digest = ${address}) as address_known,
      (select array_agg(r.identifier) from auth_gateway.protected_resources r where r.is_default) as default_resources
    from (select 1) as one
    left join auth_gateway.credentials c on c.kind = 'external' and c.digest = ${Buffer.from(input.digest)}
    ${joinPerson(sql, sql`c.uai`)}`
  if (!row) throw new Error('lookup returned no row')
  return {
    person: row.uai ? toPerson(personal, row) : undefined,
    addressKnown: row.address_known,
    client: row.client ?? undefined,
    resources: row.default_resources ?? [],
  }
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

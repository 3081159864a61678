import type { JWK } from 'jose'
import type postgres from 'postgres'
import type { SigningAlgorithm } from '../domain/signing-key.ts'

export type SigningKeyRow = {
  id: string
  kid: string
  alg: SigningAlgorithm
  public_jwk: JWK
  /** The Supabase project whose tokens it signs; null for a key of the gateway. */
  resource_id: string | null
  active_from: Date
  expires_at: Date | null
  sealed: Uint8Array
}

/** Every published key that has not expired, oldest first. */
export async function listSigningKeys(sql: postgres.Sql): Promise<SigningKeyRow[]> {
  const rows = await sql<SigningKeyRow[]>`
    select k.id, k.kid, k.alg, k.public_jwk, k.resource_id, k.active_from, k.expires_at,
      (select s.sealed from auth_gateway.event_secrets s where s.event_id = k.created_by and s.name = 'private_jwk') as sealed
    from auth_gateway.signing_keys k
    where k.expires_at is null or k.expires_at > now()
    order by k.active_from, k.id`
  return rows.filter(({ sealed }) => sealed)
}

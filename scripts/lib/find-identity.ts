import type { Gateway } from '../../shared/gateway.ts'
import { type PersonRow, toPerson } from '../../shared/queries/person.ts'
import { addressLookup } from '../../shared/typed/address.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** An identity as operators see it. */
export type IdentitySummary = NonNullable<Awaited<ReturnType<typeof findIdentity>>>

/** Finds an identity by its UAI, one of its e-mail addresses or one of its numbers (E.164); undefined when there is none. */
export async function findIdentity(gateway: Gateway, who: string) {
  const { reads: sql, personal } = gateway
  const digest = personal.digest(addressLookup(who))
  const isThem = UUID.test(who)
    ? sql`i.uai = (select o.canonical_uai from auth_gateway.identities o where o.uai = ${who})`
    : sql`i.uai = (select o.canonical_uai from auth_gateway.credentials c join auth_gateway.identities o on o.uai = c.uai
        where c.kind in ('email', 'phone') and c.digest = ${digest})`
  const [row] = await sql<(PersonRow & { sessions: number; families: number })[]>`
    select i.*,
      (select count(*)::int from auth_gateway.sessions s
       where s.uai = any (i.members) and auth_gateway.session_is_live(s)) as sessions,
      (select count(*)::int from auth_gateway.token_families f join auth_gateway.sessions s on s.id = f.session_id
       where f.uai = any (i.members) and f.revoked_at is null and f.expires_at > now()
         and (f.offline or auth_gateway.session_is_live(s))) as families
    from auth_gateway.person_facts i where ${isThem}`
  if (!row) return undefined
  const { uai, role, plan, organizationId, members, email, emailVerified, createdAt } = toPerson(personal, row)
  return {
    uai,
    status: row.identity_status,
    ...{ role, plan, organization_id: organizationId },
    /** Every UAI that resolves to this one. */
    members,
    ...(email && { email }),
    email_verified: emailVerified,
    created_at: createdAt.toISOString(),
    /** Active ones. */
    sessions: row.sessions,
    /** Not revoked, not expired and, unless offline, of an active session. */
    token_families: row.families,
  }
}

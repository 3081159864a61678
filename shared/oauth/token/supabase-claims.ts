import { createHash } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { isPairwise, sessionNameFor, subjectOf } from '../../access/subject.ts'
import { ACR } from '../../domain/authentication.ts'
import type { Gateway } from '../../gateway.ts'
import type { SupabaseResource } from '../../queries/authorizations.ts'
import { listCredentials } from '../../queries/credentials.ts'
import { bytesToUuid, uuidToBytes } from '../../tokens/opaque.ts'
import type { PersonGrant } from './token-response.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** The name space of the ids that pairwise clients get in Supabase projects. */
const NAME_SPACE = '5b0c9c55-6f3e-5d0a-9a1c-3c4f8f6a1d27'

/** A name-based UUID (RFC 9562 section 5.5). */
function uuidv5(name: string): string {
  const bytes = createHash('sha1').update(uuidToBytes(NAME_SPACE)).update(name).digest().subarray(0, 16)
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x50
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80
  return bytesToUuid(bytes)
}

type Accounts = { userId?: string; phone?: string }

/** What linked accounts say of the person: their user id in the project, and a verified telephone number. */
async function accountsOf(gateway: Gateway, grant: PersonGrant, { accounts }: SupabaseResource): Promise<Accounts> {
  const showsPhone = grant.scope.includes('phone')
  if (!accounts && !showsPhone) return {}
  const credentials = await listCredentials(gateway.reads, gateway.personal, grant.person)
  const linked = credentials.filter(({ verified }) => verified)
  const user = linked.find(({ provider, address = '' }) => accounts && provider === accounts && UUID.test(address))
  const phone = showsPhone ? linked.find(({ kind }) => kind === 'phone') : undefined
  return { userId: user?.address?.toLowerCase(), phone: phone?.address }
}

/**
 * Returns the claims of a token for a Supabase project, except its times, issuer and role, in the form of Supabase's own tokens. The
 * identifiers of person and session are UUIDs, which `auth.uid()` and `auth.jwt()` casts need. Personal data needs its scope.
 */
export async function supabaseClaims(
  gateway: Gateway,
  grant: PersonGrant,
  project: SupabaseResource,
): Promise<JWTPayload> {
  const { client, person, session, scope, confirmation } = grant
  const { userId, phone = '' } = await accountsOf(gateway, grant, project)
  const named = (name: string) => (isPairwise(client) ? uuidv5(name) : name)
  const email = scope.includes('email') ? person.email : ''
  return {
    sub: userId ?? named(subjectOf(gateway, client, person)),
    client_id: client.client_id,
    scope: scope.join(' '),
    user_role: person.role,
    session_id: named(sessionNameFor(gateway, client, session.id)),
    aal: session.acr === ACR.multiFactor || session.acr === ACR.phishingResistant ? 'aal2' : 'aal1',
    amr: session.amr.map((method) => ({ method, timestamp: Math.floor(session.authenticatedAt.getTime() / 1000) })),
    email,
    phone,
    is_anonymous: false,
    user_metadata: {
      ...(email && { email, email_verified: person.emailVerified }),
      ...(scope.includes('profile') && person.name && { full_name: person.name, name: person.name }),
    },
    ...(confirmation && { cnf: confirmation }),
  }
}

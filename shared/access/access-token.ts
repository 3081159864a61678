import type { JWTPayload } from 'jose'
import type { Refusal } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person } from '../queries/person.ts'
import { type Confirmation, type Family, findFamily } from '../queries/token-families.ts'
import { readAccessTokenId } from '../tokens/access-token-id.ts'
import { isPairwise, isSubject, subjectOf } from './subject.ts'

export type TokenVerdict =
  | { valid: true; family: Family; claims: JWTPayload; confirmation?: Confirmation; expiresAt: Date }
  | { valid: false; refusal: Refusal }

/** The person as the bearer of a token may know them: other people's applications need the scope for address and name. */
function knownTo(gateway: Gateway, client: Client, person: Person, scope: string[]): Person {
  if (client.first_party) return person
  return {
    ...person,
    ...(isPairwise(client) && { alias: subjectOf(gateway, client, person) }),
    email: scope.includes('email') ? person.email : '',
    name: scope.includes('profile') ? person.name : undefined,
  }
}

/**
 * Whether an access token stands: genuine, unexpired, and nothing it depends on has been revoked. One statement. Whether it is
 * presented by the one it is bound to is for the caller to check.
 */
export async function checkAccessToken(gateway: Gateway, token: string): Promise<TokenVerdict> {
  const claims = await gateway.jwts.readAccessToken(token)
  const id = readAccessTokenId(claims?.jti)
  if (!claims || !id) return { valid: false, refusal: 'invalid_token' }
  const { family, jtiRevoked } = await findFamily(gateway.reads, gateway.personal, id)
  const { sub } = claims
  const isTheirs = family?.person
    ? isSubject(gateway, family.client, family.person, sub)
    : sub === family?.client.client_id
  if (!family?.live || jtiRevoked || !isTheirs) return { valid: false, refusal: 'session_invalid' }
  const confirmation = claims.cnf as Confirmation | undefined
  const verdict = { valid: true as const, claims, confirmation, expiresAt: new Date((claims.exp ?? 0) * 1000) }
  if (family.kind === 'service') return { ...verdict, family }
  const person = knownTo(gateway, family.client, family.person, String(claims.scope ?? '').split(' '))
  return { ...verdict, family: { ...family, person } }
}

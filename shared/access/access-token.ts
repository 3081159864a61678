import type { JWTPayload } from 'jose'
import type { Refusal } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person } from '../queries/person.ts'
import { type Confirmation, type Family, findFamily } from '../queries/token-families.ts'
import { readAccessTokenId } from '../tokens/jwt.ts'
import { isPairwise, isSubject, subjectOf } from './subject.ts'

export type TokenVerdict =
  | {
      valid: true
      family: Family
      claims: JWTPayload
      scope: string[]
      audience: string[]
      confirmation?: Confirmation
      expiresAt: Date
    }
  | { valid: false; refusal: Refusal }

/** The person as a client may see them: third-party applications need the scopes `email` and `profile`. */
function visibleTo(gateway: Gateway, client: Client, person: Person, scope: string[]): Person {
  if (client.first_party) return person
  return {
    ...person,
    ...(isPairwise(client) && { alias: subjectOf(gateway, client, person) }),
    email: scope.includes('email') ? person.email : '',
    name: scope.includes('profile') ? person.name : undefined,
  }
}

/**
 * Checks that an access token is genuine and unexpired, and that nothing it depends on has been revoked. One statement. The caller
 * must check the sender constraint.
 */
export async function checkAccessToken(gateway: Gateway, token: string): Promise<TokenVerdict> {
  const claims = await gateway.jwts.readAccessToken(token)
  const id = readAccessTokenId(claims?.jti)
  if (!claims || !id) return { valid: false, refusal: 'invalid_token' }
  const { family, jtiRevoked } = await findFamily(gateway.reads, gateway.personal, id)
  const { sub } = claims
  const isSubjectOfFamily = family?.person
    ? isSubject(gateway, family.client, family.person, sub)
    : sub === family?.client.client_id
  if (!family?.live || jtiRevoked || !isSubjectOfFamily) return { valid: false, refusal: 'session_invalid' }
  const scope = String(claims.scope ?? '')
    .split(' ')
    .filter(Boolean)
  const verdict = {
    ...{ valid: true as const, claims, scope },
    audience: [claims.aud ?? []].flat(),
    confirmation: claims.cnf as Confirmation | undefined,
    expiresAt: new Date((claims.exp ?? 0) * 1000),
  }
  if (family.kind === 'service') return { ...verdict, family }
  const person = visibleTo(gateway, family.client, family.person, scope)
  return { ...verdict, family: { ...family, person } }
}

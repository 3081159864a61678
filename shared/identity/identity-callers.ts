import * as z from 'zod/mini'
import { isRecent } from '../domain/authentication.ts'
import { satisfies } from '../domain/scopes.ts'
import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { checkAccessToken } from '../oauth/access-token.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import { authenticate, type PersonPrincipal, type ServicePrincipal } from './authenticate.ts'
import { personOf } from './identities.ts'

/** A service that an operator trusts with identities, by a token in its own name for the gateway. */
export async function trustedService(gateway: Gateway, c: AppContext, scope: string): Promise<ServicePrincipal> {
  const principal = await authenticate(gateway, c, { order: ['bearer'], audience: [gateway.issuer] })
  const allowed = principal.kind === 'service' && satisfies(principal.scope, scope)
  if (principal.kind !== 'service' || !allowed)
    throw new GatewayError('insufficient_scope', {
      headers: { 'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
    })
  return principal
}

export const actAsService = (work: Work, { client }: ServicePrincipal) => {
  work.actor = { type: 'service', id: client.client_id, clientId: client.client_id }
}

/** What one signs in with is changed by who signed in a short while ago. @throws GatewayError login_required */
export function demandRecent({ session }: { session?: SessionFacts }): void {
  if (!isRecent(session?.authenticatedAt, new Date()))
    throw new GatewayError('login_required', { description: 'Please sign in again first.' })
}

type Proven = { person: Person; session: SessionFacts }

/** The person that a token of a sign-in proves; a merge wants a recent one. */
export async function provenBy(gateway: Gateway, presented: string, options: { recent: boolean }): Promise<Proven> {
  const unproven = (reason: string) => new GatewayError('invalid_token', { reason })
  const verdict = await checkAccessToken(gateway, presented)
  if (!verdict.valid) throw unproven('subject token')
  const { family } = verdict
  if (!family.client.first_party || (family.kind !== 'session' && family.kind !== 'authorization'))
    throw unproven('not of a sign-in in a LanOnasis application')
  if (options.recent) demandRecent(family)
  return { person: family.person, session: family.session }
}

type Reader = { person: Person; owner?: PersonPrincipal }

/** The person an answer is about: oneself (`me`), or anybody for a service that may read identities. */
export async function identityAsked(gateway: Gateway, c: AppContext, asked: string): Promise<Reader> {
  const order = ['bearer', 'cookie'] as const
  const principal = await authenticate(gateway, c, { order: [...order] })
  if (principal.kind === 'person') {
    const { person, family } = principal
    const foreign = family && (family.kind === 'delegated' || !family.client.first_party)
    if (foreign) throw new GatewayError('insufficient_scope')
    if (asked !== 'me' && !person.members.includes(asked)) throw new GatewayError('not_found')
    return { person, owner: principal }
  }
  await trustedService(gateway, c, 'identities:read')
  if (!z.uuid().safeParse(asked).success) throw new GatewayError('not_found')
  return { person: await personOf(gateway, asked) }
}

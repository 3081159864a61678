import * as z from 'zod/mini'
import { satisfies } from '../domain/scopes.ts'
import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { checkAccessToken } from '../oauth/access-token.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import { authenticate, type PersonPrincipal, type ServicePrincipal } from './authenticate.ts'
import { personOf } from './identities.ts'
import { demandProof } from './step-up.ts'

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

type Proven = { person: Person; session: SessionFacts }

/** The person that a token of a sign-in proves; a merge wants a recent one, stepped up where the person has an app. */
export async function provenBy(gateway: Gateway, presented: string, options: { recent: boolean }): Promise<Proven> {
  const unproven = (reason: string) => new GatewayError('invalid_token', { reason })
  const verdict = await checkAccessToken(gateway, presented)
  if (!verdict.valid) throw unproven('subject token')
  const { family } = verdict
  if (!family.client.first_party || (family.kind !== 'session' && family.kind !== 'authorization'))
    throw unproven('not of a sign-in in a LanOnasis application')
  if (options.recent) await demandProof(gateway, family)
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

import { checkAccessToken } from '../access/access-token.ts'
import type { Principal } from '../access/authenticate.ts'
import { demandRecentAuthentication } from '../access/step-up.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import { requireUuid } from '../typed/fields.ts'
import { personOf } from './identities.ts'

type Proven = { person: Person; session: SessionFacts }

/**
 * Authenticates a subject token in a request body, to link or merge its person: a first-party sign-in token for this gateway alone,
 * after a recent authentication. A key-bound token is refused, since no DPoP proof accompanies it.
 * @throws GatewayError invalid_token, insufficient_user_authentication
 */
export async function provenBy(gateway: Gateway, presented: string): Promise<Proven> {
  const unproven = (reason: string) => new GatewayError('invalid_token', { reason })
  const verdict = await checkAccessToken(gateway, presented)
  if (!verdict.valid) throw unproven('subject token')
  const { family, audience, confirmation } = verdict
  if (confirmation) throw unproven('key-bound subject token')
  if (!audience.every((one) => one === gateway.issuer)) throw unproven('token for another resource')
  if (!family.client.first_party || (family.kind !== 'session' && family.kind !== 'authorization'))
    throw unproven('not a first-party sign-in token')
  await demandRecentAuthentication(gateway, family)
  return { person: family.person, session: family.session }
}

/**
 * Returns the requested person: callers may ask for themselves (`me`, or any of their UAIs), services for any person.
 * @throws GatewayError not_found
 */
export async function identityAsked(gateway: Gateway, principal: Principal, asked: string): Promise<Person> {
  if (principal.kind === 'service') return personOf(gateway, requireUuid(asked))
  const { person } = principal
  if (asked !== 'me' && !person.members.includes(asked)) throw new GatewayError('not_found')
  return person
}

import { asPerson, authenticate, browserSession, type PersonPrincipal } from '../../shared/access/authenticate.ts'
import { type Operator, operatorOf } from '../../shared/access/operator.ts'
import { isRead, recordOperatorRead } from '../../shared/access/operator-reads.ts'
import { safeReturnTo, withGoal } from '../../shared/access/return-to.ts'
import { authenticationUrl, missingAuthentication, missingFactor, stepUpUrl } from '../../shared/access/step-up.ts'
import type { Call } from '../../shared/call.ts'
import { GatewayError } from '../../shared/errors.ts'
import { Redirect } from '../../shared/http/redirect.ts'
import type { Accepts, Authority } from '../../shared/http/route.ts'
import { noticeUse } from '../../shared/people/sign-in-places.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { copy, fill } from './copy.ts'

/** Returns the page to return to: the opened page or that of the posted form, with its `return_to`. */
async function backTo({ gateway, request }: Call, home: string): Promise<string> {
  const isGet = request.method === 'GET'
  const given = isGet ? new URL(request.url).searchParams : await request.pairs()
  return withGoal(isGet ? request.path : home, safeReturnTo(gateway.config, given.get('return_to') ?? undefined))
}

async function visitor(call: Call, back: string): Promise<PersonPrincipal> {
  const principal = await authenticate(call, { order: ['cookie'] }).catch((error: unknown) => {
    if (!(error instanceof GatewayError) || error.status !== 401) throw error
    throw new Redirect(withGoal('/web/login', back))
  })
  const { session, ...visiting } = asPerson(principal)
  if (session) noticeUse(call, { person: visiting.person, session }, 'account')
  return { ...visiting, session }
}

/**
 * Returns the person who is signed in at this browser.
 * @throws Redirect to `elsewhere` without one
 */
export async function signedInOr(call: Call, elsewhere: string, status?: 302 | 303): Promise<SignedIn> {
  const signedIn = await browserSession(call)
  if (!signedIn) throw new Redirect(elsewhere, status)
  return signedIn
}

const accepting = (more: Pick<Accepts, 'door'> & Partial<Accepts>): Accepts[] => [
  { callers: ['browser'], audience: 'any', page: true, ...more },
]

/**
 * A page for a signed-in person; others are redirected to sign in first.
 * @param home where the sender of a form returns to
 */
export const page = (home: string): Authority<PersonPrincipal> => ({
  accepts: accepting({ door: 'everyday' }),
  admit: async (call) => visitor(call, await backTo(call, home)),
})

/** The same for a recently authenticated person, with their authenticator app if they have one. */
export const sensitivePage = (home: string): Authority<PersonPrincipal> => ({
  accepts: accepting({ door: 'sensitive', recent: 'every caller' }),
  admit: async (call) => {
    const back = await backTo(call, home)
    const principal = await visitor(call, back)
    const missing = await missingAuthentication(call.gateway, principal)
    if (missing) throw new Redirect(authenticationUrl(missing, back))
    return principal
  },
})

/** @throws GatewayError not_an_operator, with the way to another account */
function operatorAt(back: string, principal: PersonPrincipal): Operator {
  try {
    return operatorOf(principal, 'organization')
  } catch (error) {
    if (!(error instanceof GatewayError) || error.refusal !== 'not_an_operator') throw error
    const description = fill(copy.error.notOperator, { email: principal.person.email }).join('')
    const href = `/web/login?${new URLSearchParams({ prompt: 'login', return_to: back })}`
    throw new GatewayError('not_an_operator', { description, next: { href, label: copy.error.otherAccount } })
  }
}

/**
 * A page for an operator with a recent step-up. Reads are recorded.
 * @param options.reads whether a post is also a read
 */
export const operatorPage = (home: string, options: Pick<Accepts, 'reads'> = {}): Authority<Operator> => ({
  accepts: accepting({ door: 'operator', operator: 'organization', ...options }),
  admit: async (call) => {
    const back = call.request.method === 'GET' ? call.request.path + new URL(call.request.url).search : home
    const principal = await visitor(call, back)
    const operator = operatorAt(back, principal)
    const missing = missingFactor(call.gateway, operator.principal)
    if (missing) throw new Redirect(stepUpUrl(back, missing === 'passkey' ? missing : undefined))
    if (options.reads || isRead(call)) await recordOperatorRead(call, operator)
    return operator
  },
})

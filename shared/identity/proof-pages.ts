import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { listProofs, type Proofs } from '../queries/proofs.ts'
import { visitor } from './account-forms.ts'
import type { PersonPrincipal } from './authenticate.ts'
import { mayChangeProofs, proofUrl } from './step-up.ts'

/** A page with where the person is on the way to. */
export const withGoal = (path: string, goal: string | undefined) =>
  goal ? `${path}?${new URLSearchParams({ return_to: goal })}` : path

/** The person at this browser; anybody else signs in first and comes back to `here`, which may carry a goal. */
export async function visitorOn(gateway: Gateway, c: AppContext, here: string): Promise<PersonPrincipal | Response> {
  const principal = await visitor(gateway, c, here)
  return principal instanceof Response ? c.redirect(withGoal('/web/login', here), 303) : principal
}

/**
 * The person at this browser with what they prove themselves by, who did so a short while ago; anybody else does so first and comes
 * back to `here`.
 */
export async function ownerOfProofs(
  gateway: Gateway,
  c: AppContext,
  here: string,
): Promise<{ principal: PersonPrincipal; proofs: Proofs } | Response> {
  const principal = await visitorOn(gateway, c, here)
  if (principal instanceof Response) return principal
  const { person, session } = principal
  if (!session) throw new GatewayError('session_invalid')
  const proofs = await listProofs(gateway.reads, gateway.personal, person)
  const hasAuthenticator = proofs.authenticators.length > 0
  if (mayChangeProofs(session, hasAuthenticator)) return { principal, proofs }
  return c.redirect(proofUrl(hasAuthenticator ? 'step_up' : 'sign_in', here), 303)
}

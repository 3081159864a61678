import { uuidv7 } from 'uuidv7'
import * as z from 'zod/mini'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { once } from '../once.ts'
import { claimOnce } from '../queries/replay-guard.ts'
import { authenticatePerson, type PersonPrincipal } from './authenticate.ts'
import { checkCsrf, csrfToken } from './csrf.ts'
import { missingProof, proofUrl } from './step-up.ts'

const FORM_SECONDS = 86_400

/**
 * The person at this browser; anybody else signs in first and comes back.
 * @param home where a form's sender comes back to
 */
export async function visitor(gateway: Gateway, c: AppContext, home: string): Promise<PersonPrincipal | Response> {
  return authenticatePerson(gateway, c, { order: ['cookie'] }).catch((error: unknown) => {
    if (!(error instanceof GatewayError) || error.status !== 401) throw error
    const back = c.req.method === 'GET' ? new URL(c.req.url).pathname : home
    return c.redirect(`/web/login?return_to=${encodeURIComponent(back)}`, 303)
  })
}

/**
 * The same, who signed in a short while ago, or gave a code of their app where they have one: what one signs in with is not for a
 * browser that somebody left open, nor for whoever reads the mail.
 */
export async function lately(gateway: Gateway, c: AppContext, home: string): Promise<PersonPrincipal | Response> {
  const principal = await visitor(gateway, c, home)
  if (principal instanceof Response) return principal
  const missing = await missingProof(gateway, principal)
  return missing ? c.redirect(proofUrl(missing, home), 303) : principal
}

const boundTo = ({ credentialId }: PersonPrincipal) => `${credentialId}.account`

/** What every form of a person's account carries. */
export const formOf = ({ derive }: Gateway, principal: PersonPrincipal) => ({
  csrf: csrfToken(derive, boundTo(principal)),
  formId: uuidv7(),
})

export const postedForm = once(() => ({ csrf: z.optional(z.string()), form_id: z.uuid('csrf_invalid') }))

/**
 * A posted form of this person's, taken once: a reload of the answer does nothing again.
 * @returns false the second time
 * @throws GatewayError csrf_invalid
 */
export async function takeForm(
  { derive, reads }: Gateway,
  c: AppContext,
  principal: PersonPrincipal,
  posted: { csrf?: string; form_id: string },
): Promise<boolean> {
  checkCsrf(c, derive, boundTo(principal), posted.csrf)
  const until = new Date(Date.now() + FORM_SECONDS * 1000)
  return claimOnce(reads, 'account-form', [principal.credentialId, posted.form_id], until)
}

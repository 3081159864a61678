import { uuidv7 } from 'uuidv7'
import * as z from 'zod/mini'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { once } from '../once.ts'
import { claimOnce } from '../queries/replay-guard.ts'
import type { PersonPrincipal } from './authenticate.ts'
import { checkCsrf, csrfToken } from './csrf.ts'

const FORM_SECONDS = 86_400

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

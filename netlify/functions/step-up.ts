import * as z from 'zod/mini'
import { page, withGoal } from '../../shared/access/pages.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { StepUpPage } from '../../shared/http/pages/step-up.tsx'
import { serve } from '../../shared/http/serve.ts'
import type { PersonPrincipal } from '../../shared/identity/authenticate.ts'
import { checkCsrf, csrfToken } from '../../shared/identity/csrf.ts'
import { readFactorCode } from '../../shared/identity/proof-codes.ts'
import { tellOfProofs } from '../../shared/identity/proof-notices.ts'
import { ownLimits, withProof } from '../../shared/identity/proofs.ts'
import { safeReturnTo } from '../../shared/identity/return-to.ts'
import { stepUpUrl, strengthenSession } from '../../shared/identity/step-up.ts'
import { endsAtClient } from '../../shared/oauth/authorize-url.ts'
import { once } from '../../shared/once.ts'
import { listProofs } from '../../shared/queries/proofs.ts'

const HOME = '/account'
const PAGES = { totp: '/web/step-up', recovery_code: '/web/recovery' } as const
type Method = keyof typeof PAGES

const app = createPageApp()
const returnTo = once(() => z.optional(z.string().check(z.maxLength(4000))))
const boundTo = ({ credentialId }: PersonPrincipal, method: Method) => `${credentialId}.${method}`

/** What the person can mend on the page itself. */
function told(c: AppContext, error: unknown): GatewayError {
  if (error instanceof GatewayError && /^(otp_|totp_|another_proof)/.test(error.refusal)) {
    c.set('refused', error)
    return error
  }
  throw error
}

function form(principal: PersonPrincipal, method: Method, back: string | undefined, error?: GatewayError) {
  const { issuer, derive } = gateway()
  const { email, uai } = principal.person
  return renderPage(
    StepUpPage({
      ...{ method, action: PAGES[method], csrf: csrfToken(derive, boundTo(principal, method)) },
      ...{ backHref: HOME, returnTo: back, email: email || uai, host: new URL(issuer).host },
      otherHref: method === 'totp' ? withGoal(PAGES.recovery_code, back) : stepUpUrl(back ?? HOME),
      error: error?.message,
    }),
    { status: error?.status, formAction: endsAtClient(back) },
  )
}

async function show(c: AppContext, principal: PersonPrincipal, method: Method): Promise<Response> {
  const query = readQuery(c, z.object({ return_to: returnTo() }))
  const back = safeReturnTo(gateway().config, query.return_to)
  const { authenticators } = await listProofs(gateway().reads, gateway().personal, principal.person)
  if (method === 'totp' && authenticators.length === 0) return c.redirect(withGoal('/account/totp', back), 303)
  if (method === 'totp' && principal.session?.method === 'totp') return anew(c, back)
  return form(principal, method, back)
}

/** A session that began with the app needs another proof, so its person signs in another way first. */
function anew(c: AppContext, back: string | undefined): Response {
  return c.redirect(
    `/web/login?${new URLSearchParams({ prompt: 'login', return_to: withGoal(PAGES.totp, back) })}`,
    303,
  )
}

async function take(c: AppContext, principal: PersonPrincipal, method: Method): Promise<Response> {
  const { csrf, code, return_to } = await readBody(
    c,
    z.object({
      csrf: z.optional(z.string()),
      code: z.optional(z.string()),
      return_to: returnTo(),
    }),
  )
  checkCsrf(c, gateway().derive, boundTo(principal, method), csrf)
  const back = safeReturnTo(gateway().config, return_to)
  const { person } = principal
  const limits = ownLimits(gateway(), method, principal)
  try {
    const given = readFactorCode(code, [method])
    const proven = { person, code: given, purpose: 'step_up' as const, limits, by: principal }
    const handOut = await withProof(gateway(), c, proven, (work, { id }) =>
      strengthenSession(work, principal, { method, id }),
    )
    handOut(c)
    if (method === 'recovery_code') tellOfProofs(gateway(), c, person, 'recovery_code_used')
    return c.redirect(back ?? HOME, 303)
  } catch (error) {
    return form(principal, method, back, told(c, error))
  }
}

/** Asks a person who is signed in for one more proof, on the way to what needs it. */
app.route('GET', '/web/step-up', { authority: page(HOME) }, (c, principal) => show(c, principal, 'totp'))
app.route('POST', '/web/step-up', { authority: page('/web/step-up') }, (c, principal) => take(c, principal, 'totp'))

/** For somebody whose app is lost: a recovery code opens what they prove themselves by, to be set up anew. */
app.route('GET', '/web/recovery', { authority: page(HOME) }, (c, principal) => show(c, principal, 'recovery_code'))
app.route('POST', '/web/recovery', { authority: page('/web/recovery') }, (c, principal) =>
  take(c, principal, 'recovery_code'),
)

export default serve(app)

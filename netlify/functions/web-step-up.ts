import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { newFormToken } from '../../shared/access/form-token.ts'
import { safeReturnTo, withGoal } from '../../shared/access/return-to.ts'
import { stepUpUrl } from '../../shared/access/step-up.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation, returnQuery } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { endsAtClient } from '../../shared/oauth/authorize/authorize-url.ts'
import { once } from '../../shared/once.ts'
import { listFactors } from '../../shared/queries/factors.ts'
import { completeStepUp } from '../../shared/sign-in/complete.ts'
import { checkFactor, ownLimits, recordFactor } from '../../shared/sign-in/factors/check-factor.ts'
import { readFactorCode } from '../../shared/sign-in/factors/factor-codes.ts'
import { returnToField } from '../../shared/typed/fields.ts'
import { form, type Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { page } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'
import { redirectTo } from '../pages/sign-in-response.ts'
import { StepUpPage } from '../pages/step-up.tsx'

const HOME = '/account'
const PAGES = { totp: '/web/step-up', recovery_code: '/web/recovery' } as const
type Method = keyof typeof PAGES
const CODE_KINDS = { totp: 'code of the authenticator app', recovery_code: 'recovery code' }

const app = createFormApp('Sign-in pages')
const posted = once(() => z.object({ code: z.string('otp_malformed'), return_to: returnToField() }))
const goal = once(() => z.pick(posted(), { return_to: true }))
const goalOf = (sent: { return_to?: string }) => safeReturnTo(gateway().config, sent.return_to)
const aboutOf = ({ credentialId }: PersonPrincipal, method: Method) => `${credentialId}.${method}`

function stepUpPage(
  c: AppContext,
  principal: PersonPrincipal,
  method: Method,
  back: string | undefined,
  { error, status }: Pick<Shown, 'error' | 'status'> = {},
): Response {
  const { email, uai } = principal.person
  return renderPage(
    StepUpPage({
      ...{ method, action: PAGES[method], error },
      csrf: newFormToken(c.var.call, { about: aboutOf(principal, method) }),
      ...{ backHref: HOME, returnTo: back, email: email || uai, host: new URL(gateway().issuer).host },
      otherHref: method === 'totp' ? withGoal(PAGES.recovery_code, back) : stepUpUrl(back ?? HOME),
    }),
    { status, formAction: endsAtClient(back) },
  )
}

async function show(c: AppContext, principal: PersonPrincipal, method: Method): Promise<Response> {
  const back = goalOf(readQuery(c, goal()))
  const { authenticators } = await listFactors(gateway().reads, gateway().personal, principal.person)
  if (method === 'totp' && authenticators.length === 0) return c.redirect(withGoal('/account/totp', back), 303)
  if (method === 'totp' && principal.session?.method === 'totp') return signInAgain(c, back)
  return stepUpPage(c, principal, method, back)
}

/** A session that started with the authenticator needs another factor, so the person signs in again first. */
function signInAgain(c: AppContext, back: string | undefined): Response {
  return c.redirect(
    `/web/login?${new URLSearchParams({ prompt: 'login', return_to: withGoal(PAGES.totp, back) })}`,
    303,
  )
}

function take(c: AppContext, principal: PersonPrincipal, method: Method): Promise<Response> {
  const { person } = principal
  return form(c, {
    schema: posted(),
    about: aboutOf(principal, method),
    render: (shown) => stepUpPage(c, principal, method, goalOf(shown.typed), shown),
    act: async ({ code, return_to }) => {
      const limits = ownLimits(gateway(), method, principal)
      const presented = { person, code: readFactorCode(code, [method]), purpose: 'step_up' as const, limits }
      const cookies = await completeStepUp(c.var.call, principal, {
        record: async (work) => {
          const { id } = await recordFactor(work, await checkFactor(gateway(), presented))
          return { method, id }
        },
        notice: method === 'recovery_code' ? 'recovery_code_used' : undefined,
      })
      return redirectTo(c, { location: goalOf({ return_to }) ?? HOME, cookies })
    },
  })
}

/**
 * Asks a signed-in person for another factor before a sensitive action. If the authenticator is lost, a recovery code gives access to
 * the factors to set them up again.
 */
for (const method of ['totp', 'recovery_code'] as const) {
  app.route('GET', PAGES[method], {
    authority: page(HOME),
    operation: pageOperation(`Asks for a ${CODE_KINDS[method]}`, returnQuery),
  })((c, principal) => show(c, principal, method))

  app.route('POST', PAGES[method], {
    authority: page(PAGES[method]),
    operation: formOperation(`Steps up with a ${CODE_KINDS[method]}`),
  })((c, principal) => take(c, principal, method))
}

export default serve(app)

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
import { presentPasskey, provePasskey, requestOptions } from '../../shared/sign-in/passkey/authentication.ts'
import { assertion, readCredential } from '../../shared/sign-in/passkey/credential.ts'
import { relyingPartyOf } from '../../shared/sign-in/passkey/relying-party.ts'
import { returnToField } from '../../shared/typed/fields.ts'
import { form, type Shown } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import { page } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'
import { redirectTo } from '../pages/sign-in-response.ts'
import { StepUpPage } from '../pages/step-up.tsx'

const HOME = '/account'
const PASSKEY = '/web/step-up/passkey'
const PAGES = { totp: '/web/step-up', recovery_code: '/web/recovery' } as const
type Method = keyof typeof PAGES
const CODE_KINDS = { totp: 'code of the authenticator app', recovery_code: 'recovery code' }

const app = createFormApp('Sign-in pages')
app.use(translated)
const goal = () => ({ return_to: returnToField(), need: z.optional(z.string().check(z.maxLength(20))) })
const posted = {
  goal: once(() => z.object(goal())),
  code: once(() => z.object({ ...goal(), code: z.string('otp_malformed') })),
  passkey: once(() => z.object({ ...goal(), credential: z.string('passkey_invalid') })),
}
/** Where the person continues, and whether only a passkey will do. */
type Goal = { back?: string; need?: 'passkey' }
const goalOf = ({ return_to, need }: { return_to?: string; need?: string }): Goal => ({
  back: safeReturnTo(gateway().config, return_to),
  need: need === 'passkey' ? need : undefined,
})
const aboutOf = ({ credentialId }: PersonPrincipal, method: Method) => `${credentialId}.${method}`

/** The passkeys of a person, if they can be used here, and whether the app is another factor than the one that began the session. */
async function factorsOf({ person, session }: PersonPrincipal) {
  const { authenticators, passkeys } = await listFactors(gateway().reads, gateway().personal, person)
  const usable = relyingPartyOf(gateway().config) ? passkeys.filter(({ state }) => !state.regressed) : []
  return { passkeys: usable, hasApp: authenticators.length > 0, byApp: session?.method === 'totp' }
}

const useOf = ({ credentialId }: PersonPrincipal) => ({ purpose: 'step_up' as const, holder: credentialId })

async function stepUpPage(
  c: AppContext,
  principal: PersonPrincipal,
  method: Method,
  { back, need }: Goal,
  { error, status }: Pick<Shown, 'error' | 'status'> = {},
): Promise<Response> {
  const { email, uai } = principal.person
  const { passkeys, hasApp, byApp } = await factorsOf(principal)
  const passkey = method === 'totp' && passkeys.length > 0
  return renderPage(
    StepUpPage({
      passkey: passkey
        ? { action: PASSKEY, options: requestOptions(gateway(), useOf(principal), passkeys) }
        : undefined,
      byCode: !passkey || (hasApp && !byApp && need !== 'passkey'),
      ...{ method, action: PAGES[method], error },
      csrf: newFormToken(c.var.call, { about: aboutOf(principal, method) }),
      ...{ backHref: HOME, returnTo: back, need, email: email || uai, host: new URL(gateway().issuer).host },
      otherHref: method === 'totp' ? withGoal(PAGES.recovery_code, back) : stepUpUrl(back ?? HOME),
    }),
    { status, formAction: endsAtClient(back) },
  )
}

async function show(c: AppContext, principal: PersonPrincipal, method: Method): Promise<Response> {
  const goal = goalOf(readQuery(c, posted.goal()))
  if (method === 'recovery_code') return stepUpPage(c, principal, method, goal)
  const { passkeys, hasApp, byApp } = await factorsOf(principal)
  if (passkeys.length === 0) {
    if (goal.need === 'passkey') return c.redirect(withGoal('/account/passkeys/new', goal.back), 303)
    if (!hasApp) return c.redirect(withGoal('/account/totp', goal.back), 303)
    if (byApp) return signInAgain(c, goal.back)
  }
  return stepUpPage(c, principal, method, goal)
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
    schema: posted.code(),
    about: aboutOf(principal, method),
    render: (shown) => stepUpPage(c, principal, method, goalOf(shown.typed), shown),
    act: async ({ code, ...sent }) => {
      const limits = ownLimits(gateway(), method, principal)
      const presented = { person, code: readFactorCode(code, [method]), purpose: 'step_up' as const, limits }
      const cookies = await completeStepUp(c.var.call, principal, {
        record: async (work) => {
          const { id } = await recordFactor(work, await checkFactor(gateway(), presented))
          return { method, id }
        },
        notice: method === 'recovery_code' ? 'recovery_code_used' : undefined,
      })
      return redirectTo(c, { location: goalOf(sent).back ?? HOME, cookies })
    },
  })
}

function takePasskey(c: AppContext, principal: PersonPrincipal): Promise<Response> {
  return form(c, {
    schema: posted.passkey(),
    about: aboutOf(principal, 'totp'),
    render: (shown) => stepUpPage(c, principal, 'totp', goalOf(shown.typed), shown),
    act: async ({ credential, ...sent }) => {
      const read = readCredential(assertion(), credential)
      const presented = await presentPasskey(gateway(), read, useOf(principal))
      const cookies = await completeStepUp(c.var.call, principal, {
        record: (work) => provePasskey(gateway(), work, principal, presented),
      })
      return redirectTo(c, { location: goalOf(sent).back ?? HOME, cookies })
    },
  })
}

app.route('POST', PASSKEY, {
  authority: page(PAGES.totp),
  operation: formOperation('Steps up with a passkey', posted.passkey),
})(takePasskey)

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

import * as z from 'zod/mini'
import { sensitivePage, withGoal } from '../../shared/access/pages.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { MakeRecoveryCodesPage, RecoveryCodesPage } from '../../shared/http/pages/recovery-codes.tsx'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { EnrolTotpPage } from '../../shared/http/pages/totp.tsx'
import { serve } from '../../shared/http/serve.ts'
import { formOf, postedForm, takeForm } from '../../shared/identity/account-forms.ts'
import type { PersonPrincipal } from '../../shared/identity/authenticate.ts'
import { grouped } from '../../shared/identity/proof-codes.ts'
import { tellOfProofs } from '../../shared/identity/proof-notices.ts'
import { makeRecoveryCodes } from '../../shared/identity/recovery-codes.ts'
import { safeReturnTo } from '../../shared/identity/return-to.ts'
import { strengthenSession } from '../../shared/identity/step-up.ts'
import {
  type Enrolment,
  enrolTotp,
  newEnrolment,
  openEnrolment,
  removeTotp,
  sealEnrolment,
} from '../../shared/identity/totp.ts'
import { endsAtClient } from '../../shared/oauth/authorize-url.ts'
import { once } from '../../shared/once.ts'
import { listProofs } from '../../shared/queries/proofs.ts'
import { totpUri } from '../../shared/tokens/totp.ts'
import { typedCode } from '../../shared/typed/fields.ts'

const HOME = '/account'
const ENROL = '/account/totp'
const CODES = '/account/recovery-codes'
const APP = 'LanOnasis'

const app = createPageApp()
const returnTo = once(() => z.optional(z.string().check(z.maxLength(4000))))
const goal = once(() => z.object({ return_to: returnTo() }))
const goalOf = (c: AppContext) => safeReturnTo(gateway().config, readQuery(c, goal()).return_to)

const proofsOf = ({ person }: PersonPrincipal) => listProofs(gateway().reads, gateway().personal, person)

/** What the person can mend on the page itself. */
function told(c: AppContext, error: unknown): GatewayError {
  if (error instanceof GatewayError && /^(otp_|too_many_authenticators)/.test(error.refusal)) {
    c.set('refused', error)
    return error
  }
  throw error
}

async function enrolPage(
  principal: PersonPrincipal,
  enrolment: Enrolment,
  back: string | undefined,
  error?: GatewayError,
) {
  const { encodeQr } = await import('../../shared/identity/qr-library.ts')
  const account = principal.person.email || principal.person.uai
  const uri = totpUri(enrolment.secret, APP, account)
  return renderPage(
    EnrolTotpPage({
      ...formOf(gateway(), principal),
      ...{ action: ENROL, backHref: HOME, returnTo: back, uri, picture: encodeQr(uri, 'svg'), email: account },
      enrolment: sealEnrolment(gateway(), principal, enrolment),
      secret: enrolment.secret,
      error: error?.message,
    }),
    { status: error?.status, formAction: endsAtClient(back) },
  )
}

app.route('GET', ENROL, { authority: sensitivePage(ENROL) }, (c, principal) =>
  enrolPage(principal, newEnrolment(), goalOf(c)),
)

const enrolmentForm = once(() =>
  z.object({
    ...postedForm(),
    enrolment: z.string('csrf_invalid').check(z.maxLength(1000, 'csrf_invalid')),
    return_to: returnTo(),
  }),
)

/** A right code shows that the app has the secret; it counts as a step-up too. */
app.route('POST', ENROL, { authority: sensitivePage(ENROL) }, async (c, principal) => {
  const posted = await readBody(c, enrolmentForm())
  const back = safeReturnTo(gateway().config, posted.return_to)
  if (!(await takeForm(gateway(), c, principal, posted))) return c.redirect(back ?? HOME, 303)
  const enrolment = openEnrolment(gateway(), principal, posted.enrolment)
  try {
    const { code } = await readBody(c, z.object({ code: typedCode() }))
    const presented = { ...enrolment, code }
    const handOut = await enrolTotp(gateway(), c, principal, presented, (work) =>
      strengthenSession(work, principal, { method: 'totp', id: enrolment.id }),
    )
    handOut(c)
    tellOfProofs(gateway(), c, principal.person, 'authenticator_added')
    const done = back ?? `${HOME}?done=totp_added`
    const { recoveryCodes } = await proofsOf(principal)
    return c.redirect(recoveryCodes.length > 0 ? done : withGoal(CODES, done), 303)
  } catch (error) {
    return enrolPage(principal, enrolment, back, told(c, error))
  }
})

const removal = once(() => z.object({ ...postedForm(), id: z.uuid('not_found') }))

app.route('POST', '/account/totp/remove', { authority: sensitivePage(HOME) }, async (c, principal) => {
  const posted = await readBody(c, removal())
  if (!(await takeForm(gateway(), c, principal, posted))) return c.redirect(HOME, 303)
  try {
    await removeTotp(gateway(), c, principal, { id: posted.id, reason: 'person' })
  } catch (error) {
    if (error instanceof GatewayError && error.refusal === 'last_authenticator')
      return c.redirect(`${HOME}?done=totp_last`, 303)
    throw error
  }
  tellOfProofs(gateway(), c, principal.person, 'authenticator_removed')
  return c.redirect(`${HOME}?done=totp_removed`, 303)
})

app.route('GET', CODES, { authority: sensitivePage(CODES) }, async (c, principal) => {
  const back = goalOf(c)
  const { recoveryCodes } = await proofsOf(principal)
  const left = recoveryCodes.reduce((sum, { state }) => sum + state.codeHashes.length, 0)
  const form = { ...formOf(gateway(), principal), action: CODES, returnTo: back, backHref: back ?? HOME }
  return renderPage(MakeRecoveryCodesPage({ ...form, left }))
})

/** Makes new codes and shows them, this once. */
app.route('POST', CODES, { authority: sensitivePage(CODES) }, async (c, principal) => {
  const posted = await readBody(c, z.object({ ...postedForm(), return_to: returnTo() }))
  const back = safeReturnTo(gateway().config, posted.return_to) ?? HOME
  if (!(await takeForm(gateway(), c, principal, posted))) return c.redirect(back, 303)
  const codes = await makeRecoveryCodes(gateway(), c, principal)
  tellOfProofs(gateway(), c, principal.person, 'recovery_codes_made')
  return renderPage(RecoveryCodesPage({ codes: codes.map(grouped), email: principal.person.email, doneHref: back }))
})

export default serve(app)

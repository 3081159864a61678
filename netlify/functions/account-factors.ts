import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { safeReturnTo, withGoal } from '../../shared/access/return-to.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation, returnQuery } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { endsAtClient } from '../../shared/oauth/authorize/authorize-url.ts'
import { once } from '../../shared/once.ts'
import { listFactors, recoveryCodesLeft } from '../../shared/queries/factors.ts'
import { completeStepUp } from '../../shared/sign-in/complete.ts'
import { grouped } from '../../shared/sign-in/factors/factor-codes.ts'
import { makeRecoveryCodes } from '../../shared/sign-in/factors/recovery-codes.ts'
import {
  type Enrolment,
  enrolTotp,
  newEnrolment,
  openEnrolment,
  removeTotp,
  sealEnrolment,
} from '../../shared/sign-in/factors/totp.ts'
import { totpUri } from '../../shared/tokens/totp.ts'
import { returnToField, typedCode } from '../../shared/typed/fields.ts'
import { accountForm, expiredButton, formOf, idForm } from '../pages/account-forms.ts'
import { copy } from '../pages/copy.ts'
import type { Shown } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import type { FormError } from '../pages/form-parts.tsx'
import { sensitivePage } from '../pages/page-authority.ts'
import { MakeRecoveryCodesPage, RecoveryCodesPage } from '../pages/recovery-codes.tsx'
import { renderPage } from '../pages/render.ts'
import { redirectTo } from '../pages/sign-in-response.ts'
import { EnrolTotpPage } from '../pages/totp.tsx'

const HOME = '/account/sign-in'
const ENROL = '/account/totp'
const CODES = '/account/recovery-codes'

const app = createFormApp('Account pages')
app.use(translated)
const goal = once(() => z.object({ return_to: returnToField() }))
const goalOf = (sent: { return_to?: string }) => safeReturnTo(gateway().config, sent.return_to)

const factorsOf = ({ person }: PersonPrincipal) => listFactors(gateway().reads, gateway().personal, person)

async function enrolPage(
  c: AppContext,
  principal: PersonPrincipal,
  enrolment: Enrolment,
  back: string | undefined,
  { error, status }: Partial<Shown> = {},
) {
  const { default: encodeQr } = await import('qr')
  const account = principal.person.email || principal.person.uai
  const uri = totpUri(enrolment.secret, gateway().config.BRAND_NAME, account)
  return renderPage(
    EnrolTotpPage({
      ...formOf(c, principal),
      ...{ action: ENROL, backHref: HOME, returnTo: back, uri, picture: encodeQr(uri, 'svg'), email: account },
      enrolment: sealEnrolment(gateway(), principal, enrolment),
      secret: enrolment.secret,
      error,
    }),
    { status, formAction: endsAtClient(back) },
  )
}

app.route('GET', ENROL, {
  authority: sensitivePage(ENROL),
  operation: pageOperation('Shows the secret of a new authenticator app', returnQuery),
})((c, principal) => enrolPage(c, principal, newEnrolment(c.var.call.now()), goalOf(readQuery(c, goal()))))

const enrolmentForm = once(() =>
  z.object({
    enrolment: z.string('csrf_invalid').check(z.maxLength(1000, 'csrf_invalid')),
    code: typedCode(),
    return_to: returnToField(),
  }),
)

/** A valid code proves that the app has the secret, and counts as a step-up. */
app.route('POST', ENROL, {
  authority: sensitivePage(ENROL),
  operation: formOperation('Verifies the first code and adds the app'),
})((c, principal) =>
  accountForm(c, principal, {
    schema: enrolmentForm(),
    load: (_, { enrolment }) => openEnrolment(gateway(), principal, enrolment ?? ''),
    render: (shown, enrolment) => enrolPage(c, principal, enrolment, goalOf(shown.typed), shown),
    restart: ({ typed }) => {
      const error: FormError = { text: copy.factors.enrolment.expired, field: 'form' }
      return enrolPage(c, principal, newEnrolment(c.var.call.now()), goalOf(typed), { error, status: 403 })
    },
    once: (typed) => c.redirect(goalOf(typed) ?? HOME, 303),
    act: async ({ code, return_to }, enrolment) => {
      const back = goalOf({ return_to })
      const { recoveryCodes } = await factorsOf(principal)
      const cookies = await completeStepUp(c.var.call, principal, {
        record: (work) => enrolTotp(gateway(), work, principal, { ...enrolment, code }),
        notice: 'authenticator_added',
      })
      const done = back ?? `${HOME}?done=totp_added`
      return redirectTo(c, { location: recoveryCodes.length > 0 ? done : withGoal(CODES, done), cookies })
    },
  }),
)

/** Posted by a button of the account page, which shows the result. */
app.route('POST', '/account/totp/remove', {
  authority: sensitivePage(HOME),
  operation: formOperation('Removes an authenticator app'),
})((c, principal) => {
  const leave = (done: string) => c.redirect(`${HOME}?done=${done}`, 303)
  return accountForm(c, principal, {
    schema: idForm(),
    restart: () => expiredButton(HOME),
    once: () => c.redirect(HOME, 303),
    act: async ({ id }) => {
      const kept = await removeTotp(c.var.call, principal, { id, reason: 'person' }).then(
        () => false,
        (error: unknown) => {
          if (error instanceof GatewayError && error.refusal === 'last_authenticator') return true
          throw error
        },
      )
      if (kept) return leave('totp_last')
      return leave('totp_removed')
    },
  })
})

async function offerCodes(
  c: AppContext,
  principal: PersonPrincipal,
  back: string | undefined,
  { error, status }: Partial<Shown> = {},
): Promise<Response> {
  const left = recoveryCodesLeft(await factorsOf(principal))
  const props = { ...formOf(c, principal), action: CODES, returnTo: back, backHref: back ?? HOME }
  return renderPage(MakeRecoveryCodesPage({ ...props, left, error }), { status })
}

app.route('GET', CODES, {
  authority: sensitivePage(CODES),
  operation: pageOperation('Shows how many recovery codes are left'),
})((c, principal) => offerCodes(c, principal, goalOf(readQuery(c, goal()))))

/** Creates new codes and shows them once. */
app.route('POST', CODES, {
  authority: sensitivePage(CODES),
  operation: formOperation('Creates new recovery codes'),
})((c, principal) =>
  accountForm(c, principal, {
    schema: goal(),
    render: (shown) => offerCodes(c, principal, goalOf(shown.typed), shown),
    once: (typed) => c.redirect(goalOf(typed) ?? HOME, 303),
    act: async ({ return_to }) => {
      const back = goalOf({ return_to })
      const codes = await makeRecoveryCodes(c.var.call, principal)
      const { email } = principal.person
      return renderPage(RecoveryCodesPage({ codes: codes.map(grouped), email, doneHref: back ?? HOME }))
    },
  }),
)

export default serve(app)

import * as z from 'zod/mini'
import { browserSession } from '../../shared/access/authenticate.ts'
import { newFormToken } from '../../shared/access/form-token.ts'
import { signInEnd, withGoal } from '../../shared/access/return-to.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { endsAtClient } from '../../shared/oauth/authorize/authorize-url.ts'
import { tokenResponse } from '../../shared/oauth/token/token-response.ts'
import { once } from '../../shared/once.ts'
import { findPerson } from '../../shared/queries/identities.ts'
import { completeHeld } from '../../shared/sign-in/complete-held.ts'
import { mayRemember } from '../../shared/sign-in/factors/remembered-devices.ts'
import { newEnrolment, openEnrolment, sealEnrolment } from '../../shared/sign-in/factors/totp.ts'
import {
  demandActive,
  findHeld,
  forgetHeld,
  type HeldSignIn,
  SECOND_FACTOR_PAGE,
} from '../../shared/sign-in/second-factor.ts'
import { tokensUrl } from '../../shared/sso/sso-finish.ts'
import { totpUri } from '../../shared/tokens/totp.ts'
import { copy } from '../pages/copy.ts'
import { form, type Shown } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import { renderPage } from '../pages/render.ts'
import { SecondFactorPage } from '../pages/second-factor.tsx'
import { redirectTo } from '../pages/sign-in-response.ts'
import { EnrolTotpPage } from '../pages/totp.tsx'

const app = createFormApp('Sign-in pages')
app.use(translated)

const kinds = () => z.optional(z.enum(['totp', 'recovery_code']))
const pageQuery = once(() => z.object({ t: z.optional(z.string().check(z.maxLength(100))), kind: kinds() }))
const posted = once(() =>
  z.object({
    code: z.string('otp_malformed'),
    kind: kinds(),
    remember: z.optional(z.string()),
    enrolment: z.optional(z.string().check(z.maxLength(1000, 'csrf_invalid'))),
  }),
)

const signInAgain = ({ page }: Pick<HeldSignIn, 'page'>) => withGoal('/web/login', page?.returnTo)

async function secondFactorPage(
  c: AppContext,
  held: HeldSignIn,
  { typed, error, status }: Pick<Shown, 'error' | 'status'> & { typed: { kind?: string; enrolment?: string } },
): Promise<Response> {
  const { id, uai, page } = held
  const person = demandActive(await findPerson(gateway().reads, gateway().personal, uai))
  const options = { status, formAction: endsAtClient(page?.returnTo ?? signInEnd(gateway().config)) }
  const shared = { action: SECOND_FACTOR_PAGE, csrf: newFormToken(c.var.call, { transaction: id }), error }
  const { factors } = held
  if (factors.length > 0) {
    const byCode = typed.kind !== 'recovery_code' && factors.includes('totp')
    const kind = byCode ? 'totp' : 'recovery_code'
    const other = kind === 'totp' ? 'recovery_code' : 'totp'
    return renderPage(
      SecondFactorPage({
        ...{ ...shared, kind, mayRemember: mayRemember(gateway(), person), startOverHref: signInAgain(held) },
        otherHref: factors.includes('totp')
          ? `${SECOND_FACTOR_PAGE}?${new URLSearchParams({ t: id, kind: other })}`
          : undefined,
        passkeyHref: factors.includes('passkey') ? signInAgain(held) : undefined,
      }),
      options,
    )
  }
  const enrolling = { credentialId: id }
  const enrolment = openEnrolment(gateway(), enrolling, typed.enrolment ?? '') ?? newEnrolment(c.var.call.now())
  const { default: encodeQr } = await import('qr')
  const email = person.email || person.uai
  const uri = totpUri(enrolment.secret, gateway().config.BRAND_NAME, email)
  return renderPage(
    EnrolTotpPage({
      ...{ ...shared, because: copy.factors.second.enrol, backHref: signInAgain(held), uri, email },
      ...{ picture: encodeQr(uri, 'svg'), secret: enrolment.secret },
      enrolment: sealEnrolment(gateway(), enrolling, enrolment),
    }),
    options,
  )
}

/** Asks for the second factor of the sign-in that this browser began. */
app.route('GET', SECOND_FACTOR_PAGE, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Asks for the second factor of a sign-in', pageQuery),
})(async (c) => {
  const { t, kind } = readQuery(c, pageQuery())
  const held = await findHeld(c.var.call, t)
  return held ? secondFactorPage(c, held, { typed: { kind } }) : c.redirect('/web/login', 303)
})

app.route('POST', SECOND_FACTOR_PAGE, {
  authority: byProtocol('ceremony'),
  operation: formOperation('Completes a sign-in with its second factor'),
})((c) =>
  form(c, {
    schema: posted(),
    load: async ({ transaction }) => findHeld(c.var.call, transaction),
    render: (shown, held) => secondFactorPage(c, held, shown),
    restart: async () => c.redirect('/web/login', 303),
    act: async ({ code, remember, enrolment: sealed }, held) => {
      const { call } = c.var
      const enrolment =
        held.factors.length === 0 ? openEnrolment(gateway(), { credentialId: held.id }, sealed ?? '') : undefined
      if (held.factors.length === 0 && !enrolment) throw new GatewayError('mfa_expired', { reason: 'enrolment' })
      const replaces = await browserSession(call)
      const presented = { code, enrolment, remember: remember !== undefined, replaces }
      const { cookies, family } = await completeHeld(call, held, presented)
      await forgetHeld(call, held)
      const { page, projectScope } = held
      if (family && page?.handsTokensTo !== undefined) {
        const to = { slug: page.handsTokensTo, projectScope, returnTo: page.returnTo }
        return redirectTo(c, { location: tokensUrl(await tokenResponse(gateway(), family), to) })
      }
      return redirectTo(c, { location: page?.returnTo ?? signInEnd(gateway().config), cookies })
    },
  }),
)

export default serve(app)

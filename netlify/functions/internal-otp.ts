import encodeQr from 'qr'
import * as z from 'zod/mini'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { EnrolTotpPage, StepUpPage } from '../../shared/http/pages/totp.tsx'
import { serve } from '../../shared/http/serve.ts'
import { formOf, postedForm, takeForm, visitor } from '../../shared/identity/account-forms.ts'
import type { PersonPrincipal } from '../../shared/identity/authenticate.ts'
import { actAs } from '../../shared/identity/authority.ts'
import { checkCsrf, csrfToken } from '../../shared/identity/csrf.ts'
import { safeReturnTo } from '../../shared/identity/return-to.ts'
import { isFresh, isSteppedUp, stepUpSession, stepUpUrl } from '../../shared/identity/step-up.ts'
import {
  type Enrolment,
  enrolTotp,
  newEnrolment,
  openEnrolment,
  removeTotp,
  sealEnrolment,
  withTotp,
} from '../../shared/identity/totp.ts'
import { endsAtClient } from '../../shared/oauth/authorize-url.ts'
import { listAuthenticators } from '../../shared/queries/totp-authenticators.ts'
import { totpUri } from '../../shared/tokens/totp.ts'

const HOME = '/account'
const ENROL = '/account/totp'
const STEP_UP = '/web/step-up'
const APP = 'LanOnasis'

const app = createPageApp()
const returnTo = z.optional(z.string().check(z.maxLength(4000)))
const code = z.string('otp_invalid').check(z.maxLength(40, 'otp_invalid'))
const goal = z.object({ return_to: returnTo })
const withQuery = (path: string, back: string | undefined) =>
  back ? `${path}?${new URLSearchParams({ return_to: back })}` : path

/** What the person can mend on the page itself. */
function told(error: unknown): GatewayError {
  if (error instanceof GatewayError && /^(otp_|totp_|too_many_auth|another_proof)/.test(error.refusal)) return error
  throw error
}

/** The person at this browser, who signs in first where need be and comes back with the goal kept. */
async function personAt(c: AppContext, path: string, back: string | undefined): Promise<PersonPrincipal | Response> {
  const principal = await visitor(gateway(), c, HOME)
  if (!(principal instanceof Response) || c.req.method !== 'GET') return principal
  return c.redirect(`/web/login?${new URLSearchParams({ return_to: withQuery(path, back) })}`, 303)
}

/** A new proof is added with a fresh sign-in; another one, with one of those that there are. */
async function enrolling(c: AppContext, back: string | undefined): Promise<PersonPrincipal | Response> {
  const principal = await personAt(c, ENROL, back)
  if (principal instanceof Response) return principal
  const { person, session } = principal
  if (!session) throw new GatewayError('session_invalid')
  const { authenticators } = await listAuthenticators(gateway().reads, gateway().personal, person)
  const here = withQuery(ENROL, back)
  if (authenticators.length > 0) return isSteppedUp(session) ? principal : c.redirect(stepUpUrl(here), 303)
  if (isFresh(session)) return principal
  return c.redirect(`/web/login?${new URLSearchParams({ prompt: 'login', return_to: here })}`, 303)
}

function enrolPage(principal: PersonPrincipal, enrolment: Enrolment, back: string | undefined, error?: GatewayError) {
  const { email, uai } = principal.person
  const uri = totpUri(enrolment.secret, APP, email || uai)
  return renderPage(
    EnrolTotpPage({
      ...formOf(gateway(), principal),
      action: ENROL,
      backHref: HOME,
      returnTo: back,
      enrolment: sealEnrolment(gateway(), principal, enrolment),
      uri,
      picture: encodeQr(uri, 'svg'),
      secret: enrolment.secret,
      email: email || uai,
      error: error?.message,
    }),
    { status: error?.status, formAction: endsAtClient(back) },
  )
}

app.get(ENROL, async (c) => {
  const back = safeReturnTo(gateway().config, readQuery(c, goal).return_to)
  const principal = await enrolling(c, back)
  return principal instanceof Response ? principal : enrolPage(principal, newEnrolment(), back)
})

const enrolmentForm = z.object({
  ...postedForm,
  code,
  enrolment: z.string('csrf_invalid').check(z.maxLength(1000, 'csrf_invalid')),
  return_to: returnTo,
})

/** A right code shows that the app has the secret; it counts as a step-up too. */
app.post(ENROL, async (c) => {
  const posted = await readBody(c, enrolmentForm)
  const back = safeReturnTo(gateway().config, posted.return_to)
  const principal = await enrolling(c, back)
  if (principal instanceof Response) return principal
  if (!(await takeForm(gateway(), c, principal, posted))) return c.redirect(back ?? HOME, 303)
  const enrolment = openEnrolment(gateway(), principal, posted.enrolment)
  try {
    const proof = { method: 'totp', provenBy: { type: 'totp_authenticator', id: enrolment.id } } as const
    const { done } = await enrolTotp(gateway(), c, principal, { ...enrolment, code: digits(posted.code) }, (work) =>
      stepUpSession(work, principal, proof),
    )
    done(c)
    return c.redirect(back ?? `${HOME}?done=totp_added`, 303)
  } catch (error) {
    return enrolPage(principal, enrolment, back, told(error))
  }
})

const removal = z.object({ ...postedForm, id: z.uuid('not_found') })

app.post('/account/totp/remove', async (c) => {
  const principal = await visitor(gateway(), c, HOME)
  if (principal instanceof Response) return principal
  const posted = await readBody(c, removal)
  checkCsrf(c, gateway().derive, `${principal.credentialId}.account`, posted.csrf)
  if (!principal.session || !isSteppedUp(principal.session)) return c.redirect(stepUpUrl(HOME), 303)
  if (!(await takeForm(gateway(), c, principal, posted))) return c.redirect(HOME, 303)
  await removeTotp(gateway(), c, principal, { id: posted.id, reason: 'person' })
  return c.redirect(`${HOME}?done=totp_removed`, 303)
})

const digits = (text: string) => text.replace(/\D/g, '')
const stepUpKey = ({ credentialId }: PersonPrincipal) => `${credentialId}.step-up`

function stepUpPage(principal: PersonPrincipal, back: string | undefined, error?: GatewayError) {
  const { config, derive } = gateway()
  const page = StepUpPage({
    action: STEP_UP,
    csrf: csrfToken(derive, stepUpKey(principal)),
    backHref: HOME,
    returnTo: back,
    email: principal.person.email || principal.person.uai,
    host: new URL(config.AUTH_BASE_URL).host,
    error: error?.message,
  })
  return renderPage(page, { status: error?.status, formAction: endsAtClient(back) })
}

/** Asks a person who is signed in for one more proof, on the way to what needs it. */
app.get(STEP_UP, async (c) => {
  const back = safeReturnTo(gateway().config, readQuery(c, goal).return_to)
  const principal = await personAt(c, STEP_UP, back)
  if (principal instanceof Response) return principal
  const { authenticators } = await listAuthenticators(gateway().reads, gateway().personal, principal.person)
  return authenticators.length === 0 ? c.redirect(withQuery(ENROL, back), 303) : stepUpPage(principal, back)
})

app.post(STEP_UP, async (c) => {
  const principal = await visitor(gateway(), c, STEP_UP)
  if (principal instanceof Response) return principal
  const posted = await readBody(c, z.object({ csrf: z.optional(z.string()), code, return_to: returnTo }))
  checkCsrf(c, gateway().derive, stepUpKey(principal), posted.csrf)
  const back = safeReturnTo(gateway().config, posted.return_to)
  const { person } = principal
  try {
    const { done } = await withTotp(gateway(), c, { person, code: digits(posted.code) }, (work, id) => {
      actAs(work, principal)
      const proof = { method: 'totp', provenBy: { type: 'totp_authenticator', id } } as const
      return stepUpSession(work, principal, proof)
    })
    done(c)
    return c.redirect(back ?? HOME, 303)
  } catch (error) {
    return stepUpPage(principal, back, told(error))
  }
})

export default serve(app)

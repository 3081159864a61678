import { newFormToken } from '../../shared/access/form-token.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { clearSessionCookies } from '../../shared/http/cookies.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { endSession } from '../../shared/sign-in/end-session.ts'
import { providerLogoutOrigins, providerLogoutPath } from '../../shared/sso/provider-logout.ts'
import { copy, fill } from './copy.ts'
import type { Shown } from './form.ts'
import { ButtonLink, Form, type FormError, Submit } from './form-parts.tsx'
import { Layout, Name, Sentence } from './layout.tsx'
import { renderPage } from './render.ts'
import { safeHref } from './safe.ts'

/** Ends the session of this browser and returns where it goes next. */
export async function signOut(
  c: AppContext,
  { person, session }: SignedIn,
  returnTo: string | undefined,
): Promise<string | undefined> {
  const elsewhere = await providerLogoutPath(c.var.call.gateway, session.id)
  await endSession(c.var.call, person, session.id, 'logout', { sessionId: session.id })
  clearSessionCookies(c.var.call)
  return elsewhere ?? returnTo
}

type SignOutRequest = {
  /** Where the form is posted, with the `hidden` fields. */
  action: string
  returnHref?: string
  /** The host there. */
  returnHost?: string
  hidden: Record<string, string | undefined>
}

/** Asks for confirmation to sign out. */
export async function confirmSignOutPage(
  c: AppContext,
  { person, session }: SignedIn,
  request: SignOutRequest,
  { status, error }: Pick<Shown, 'status' | 'error'> = {},
): Promise<Response> {
  const csrf = newFormToken(c.var.call, { about: session.id })
  const origins = await providerLogoutOrigins(c.var.call.gateway, session.id)
  const formAction = [...(request.returnHref ? [request.returnHref] : []), ...origins]
  return renderPage(ConfirmSignOutPage({ ...request, csrf, email: person.email, error }), { status, formAction })
}

type ConfirmSignOutProps = SignOutRequest & { csrf: string; email: string; error?: FormError }

/** Asks for confirmation before ending a session without a valid hint (OpenID Connect RP-Initiated Logout 1.0 section 2). */
export function ConfirmSignOutPage({ email, returnHref, returnHost, ...form }: ConfirmSignOutProps) {
  const text = copy.confirmSignOut
  const href = safeHref(returnHref, 'app')
  const lead = <Sentence text={text.lead} email={<Name>{email}</Name>} />
  return (
    <Layout form title={text.title} lead={lead} failed={Boolean(form.error)}>
      {returnHost && (
        <p class="note">
          <Sentence text={text.afterwards} host={<Name>{returnHost}</Name>} />
        </p>
      )}
      <Form main {...form} class="actions">
        <Submit text={text.submit} />
        {href && <ButtonLink href={href} text={text.stay} />}
      </Form>
    </Layout>
  )
}

type SignedOutProps = {
  /** Where the button leads, app schemes included. */
  continueHref?: string
  /** Its host, if it is not ours. */
  continueHost?: string
}

/** Confirms the end of a session. */
export function SignedOutPage({ continueHref, continueHost }: SignedOutProps) {
  const text = copy.signedOut
  const href = safeHref(continueHref, 'app')
  const next = continueHost ? fill(text.continueTo, { host: continueHost }).join('') : text.continue
  return (
    <Layout title={text.title} lead={text.lead}>
      {href && <ButtonLink kind="primary" href={href} text={next} />}
    </Layout>
  )
}

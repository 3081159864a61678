import { LIFETIME_SECONDS } from '../domain/otp-challenge.ts'
import type { Gateway } from '../gateway.ts'
import { CodePage } from '../http/pages/code.tsx'
import { renderPage } from '../http/pages/render.ts'
import { SignInPage } from '../http/pages/sign-in.tsx'
import { endsAtClient } from '../oauth/authorize-url.ts'
import { csrfToken } from './csrf.ts'
import type { SignInUnderWay } from './sign-in-cookie.ts'

type Shown = { error?: string; notice?: string; status?: number }

/** The page that asks for an address. */
export function signInPage(
  { derive, config }: Gateway,
  signIn: SignInUnderWay,
  shown: Shown & { email?: string } = {},
): Response {
  const { returnTo, clientName } = signIn
  return renderPage(
    SignInPage({ action: '/web/login', csrf: csrfToken(derive, signIn.id), returnTo, clientName, ...shown }),
    { status: shown.status, formAction: endsAtClient(returnTo ?? config.DASHBOARD_URL) },
  )
}

/** The page that asks for the code sent to the address. */
export function codePage({ derive, issuer, config }: Gateway, signIn: SignInUnderWay, shown: Shown = {}): Response {
  const { returnTo, clientName, email = '' } = signIn
  return renderPage(
    CodePage({
      action: '/web/code',
      resendAction: '/web/code/resend',
      startOverHref: `/web/login${returnTo ? `?return_to=${encodeURIComponent(returnTo)}` : ''}`,
      csrf: csrfToken(derive, signIn.id),
      email,
      minutes: LIFETIME_SECONDS / 60,
      clientName,
      host: new URL(issuer).host,
      ...shown,
    }),
    { status: shown.status, formAction: endsAtClient(returnTo ?? config.DASHBOARD_URL) },
  )
}

import * as z from 'zod/mini'
import { LIFETIME_SECONDS } from '../domain/otp-challenge.ts'
import { catalogue, type Refusal } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { readQuery } from '../http/body.ts'
import { CodePage } from '../http/pages/code.tsx'
import { renderPage } from '../http/pages/render.ts'
import { SignInPage } from '../http/pages/sign-in.tsx'
import { clientIdOf, endsAtClient, hostOfStranger } from '../oauth/authorize-url.ts'
import { once } from '../once.ts'
import { findClient } from '../queries/api-clients.ts'
import { findConnection, listConnections } from '../queries/connections.ts'
import type { SignedIn } from '../queries/sessions.ts'
import { SUPABASE } from '../sso/supabase-project.ts'
import { browserSession } from './authenticate.ts'
import { csrfToken } from './csrf.ts'
import { safeReturnTo } from './return-to.ts'
import { brandOf } from './send-code.ts'
import { readSignIn, type SignInUnderWay, withCookies, writeSignIn } from './sign-in-cookie.ts'

type Shown = { error?: string; notice?: string; status?: number }

const providerHref = (slug: string, returnTo: string | undefined) =>
  `/v1/auth/oauth?${new URLSearchParams({ provider: slug, ...(returnTo && { redirect_uri: returnTo }) })}`

/** Where a sign-in begins, with a code by text message if wished. */
function signInHref(returnTo: string | undefined, byPhone: boolean): string {
  const query = new URLSearchParams({ ...(byPhone && { by: 'phone' }), ...(returnTo && { return_to: returnTo }) })
  return `/web/login${query.size > 0 ? `?${query}` : ''}`
}

/** The page that asks for an address, or leads to another provider. */
export async function signInPage(
  { derive, config, reads }: Gateway,
  signIn: SignInUnderWay,
  shown: Shown & { email?: string; phone?: string } = {},
): Promise<Response> {
  const { returnTo, clientName, clientHost, link } = signIn
  const connections = link ? [] : await listConnections(reads)
  const providers = connections
    .filter(({ status, settings }) => status === 'enabled' && settings.listed)
    .map(({ slug, settings }) => ({ name: settings.name, href: providerHref(slug, returnTo) }))
  const offersPasswords = Boolean(config.SUPABASE_URL && config.SUPABASE_ANON_KEY) && !link
  const passwordHref = offersPasswords
    ? `/web/password${returnTo ? `?return_to=${encodeURIComponent(returnTo)}` : ''}`
    : undefined
  const switchHref =
    config.SMS_COUNTRIES.length > 0 && !link ? signInHref(returnTo, shown.phone === undefined) : undefined
  const linking = link && ((await findConnection(reads, link.provider))?.settings.name ?? SUPABASE.settings.name)
  return renderPage(
    SignInPage({
      action: '/web/login',
      csrf: csrfToken(derive, signIn.id),
      returnTo,
      clientName,
      clientHost,
      providers,
      linking,
      passwordHref,
      switchHref,
      withoutMailHref: link ? undefined : '/web/without-mail',
      ...shown,
    }),
    { status: shown.status, formAction: endsAtClient(returnTo ?? config.DASHBOARD_URL) },
  )
}

/** The page that asks for the code sent to the address. */
export function codePage({ derive, issuer, config }: Gateway, signIn: SignInUnderWay, shown: Shown = {}): Response {
  const { returnTo, clientName, clientHost, to } = signIn
  return renderPage(
    CodePage({
      action: '/web/code',
      resendAction: '/web/code/resend',
      startOverHref: signInHref(returnTo, to?.channel === 'sms'),
      withoutMailHref: '/web/without-mail',
      csrf: csrfToken(derive, signIn.id),
      address: to?.address ?? '',
      channel: to?.channel,
      minutes: LIFETIME_SECONDS / 60,
      clientName,
      clientHost,
      host: new URL(issuer).host,
      ...shown,
    }),
    { status: shown.status, formAction: endsAtClient(returnTo ?? config.DASHBOARD_URL) },
  )
}

/** What a failed sign-in at another provider may put into the address of this page. */
const TOLD: Refusal[] = [
  'provider_failed',
  'provider_denied',
  'provider_logout_failed',
  'sso_state_invalid',
  'not_provisioned',
  'access_denied',
  'credential_taken',
  'hook_unavailable',
  'service_unavailable',
  'link_needed',
  'sign_in_to_link',
  'signed_in_as_another',
  'sign_in_denied',
  'more_proof_needed',
]

const signInQuery = once(() =>
  z.object({
    return_to: z.optional(z.string().check(z.maxLength(4000))),
    redirect_url: z.optional(z.string().check(z.maxLength(4000))),
    prompt: z.optional(z.string().check(z.maxLength(100))),
    error: z.optional(z.string().check(z.maxLength(100))),
    by: z.optional(z.string().check(z.maxLength(100))),
  }),
)

/**
 * Opens a sign-in on the way to `return_to`; somebody who is signed in goes there at once.
 * @param options.home where a sign-in ends that is on the way to nowhere
 * @param options.welcome what somebody sees who is signed in and on the way to nowhere
 */
export async function openSignIn(
  gateway: Gateway,
  c: AppContext,
  options: { home?: string; welcome: (signedIn: SignedIn) => Response },
): Promise<Response> {
  const query = readQuery(c, signInQuery())
  const asked = safeReturnTo(gateway.config, query.return_to ?? query.redirect_url)
  const signedIn = await browserSession(gateway, c)
  const failed = TOLD.find((one) => one === query.error)
  if (signedIn && !failed && !/login|select_account/.test(query.prompt ?? ''))
    return asked ? c.redirect(asked, 302) : options.welcome(signedIn)
  const returnTo = asked ?? options.home
  const clientId = clientIdOf(returnTo)
  const client = clientId ? await findClient(gateway.reads, clientId) : undefined
  const shown = client?.status === 'active' ? client : undefined
  const clientName = shown?.metadata.client_name
  const clientHost = shown && hostOfStranger(shown, returnTo)
  const before = readSignIn(gateway, c)
  const waits = failed === 'link_needed' || failed === 'more_proof_needed'
  const link = waits ? before.link : undefined
  const signIn = { ...before, returnTo, clientName, clientHost, brand: brandOf(client), link }
  writeSignIn(gateway, c, signIn)
  const phone = query.by === 'phone' && gateway.config.SMS_COUNTRIES.length > 0 && !signIn.link ? '' : undefined
  const error = failed && catalogue[failed].message
  return withCookies(c, await signInPage(gateway, signIn, { error, email: waits ? before.email : undefined, phone }))
}

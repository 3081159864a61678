import * as z from 'zod/mini'
import { browserSession } from '../../shared/access/authenticate.ts'
import { keepBrowserKey } from '../../shared/access/browser-key.ts'
import { newFormToken } from '../../shared/access/form-token.ts'
import { safeReturnTo, signInEnd } from '../../shared/access/return-to.ts'
import { LIFETIME_SECONDS } from '../../shared/domain/otp-challenge.ts'
import { catalogue, isRefusal } from '../../shared/errors.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { endsAtClient } from '../../shared/oauth/authorize/authorize-url.ts'
import { once } from '../../shared/once.ts'
import { findConnection, listConnections } from '../../shared/queries/connections.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { requestOptions } from '../../shared/sign-in/passkey/authentication.ts'
import { relyingPartyOf } from '../../shared/sign-in/passkey/relying-party.ts'
import { waitToSend } from '../../shared/sign-in/send-code.ts'
import {
  destinationOf,
  findTransaction,
  newTransaction,
  type SignInTransaction,
  transactionUrl,
  type WaitingTransaction,
} from '../../shared/sign-in/sign-in-transaction.ts'
import { SUPABASE } from '../../shared/sso/supabase-project.ts'
import { returnToField } from '../../shared/typed/fields.ts'
import { CodePage } from './code.tsx'
import { copy, fill, refusalText } from './copy.ts'
import type { Expired, Shown } from './form.ts'
import { renderPage } from './render.ts'
import { SignInPage } from './sign-in.tsx'
import { durationText } from './wait.tsx'

const providerHref = (slug: string, returnTo: string | undefined) =>
  `/v1/auth/oauth?${new URLSearchParams({ provider: slug, ...(returnTo && { redirect_uri: returnTo }) })}`

/** Returns the URL of the sign-in page, optionally for a code by text message. */
function signInHref(returnTo: string | undefined, byPhone: boolean): string {
  const query = new URLSearchParams({ ...(byPhone && { by: 'phone' }), ...(returnTo && { return_to: returnTo }) })
  return `/web/login${query.size > 0 ? `?${query}` : ''}`
}

/** The page that asks for an address, or leads to another provider. */
export async function signInPage(
  c: AppContext,
  transaction: SignInTransaction,
  { typed, error, notice, status }: Shown,
): Promise<Response> {
  const { config, reads } = c.var.call.gateway
  const { id, returnTo, link } = transaction
  const phone = link || config.SMS_COUNTRIES.length === 0 ? undefined : typed.phone
  const connections = link ? [] : await listConnections(reads)
  const offersPasswords = Boolean(config.SUPABASE_URL && config.SUPABASE_ANON_KEY) && !link
  const offersPasskeys = relyingPartyOf(config) && !link
  const use = { purpose: 'sign_in' as const, holder: keepBrowserKey(c.var.call) }
  const linking = link && ((await findConnection(reads, link.provider))?.settings.name ?? SUPABASE.settings.name)
  return renderPage(
    SignInPage({
      action: '/web/login',
      csrf: newFormToken(c.var.call, { transaction: id }),
      returnTo,
      ...(await destinationOf(c.var.call.gateway, returnTo)),
      providers: connections
        .filter(({ status, settings }) => status === 'enabled' && settings.listed)
        .map(({ slug, settings }) => ({ name: settings.name, href: providerHref(slug, returnTo) })),
      linking,
      passkey: offersPasskeys
        ? { action: '/web/passkey', options: requestOptions(c.var.call.gateway, use) }
        : undefined,
      passwordHref: offersPasswords ? transactionUrl('/web/password', transaction) : undefined,
      switchHref: config.SMS_COUNTRIES.length > 0 && !link ? signInHref(returnTo, phone === undefined) : undefined,
      withoutMailHref: link ? undefined : transactionUrl('/web/without-mail', transaction),
      email: typed.email?.slice(0, 254),
      phone: phone?.slice(0, 40),
      error,
      notice,
      supportHref: config.SUPPORT_URL,
    }),
    { status, formAction: endsAtClient(returnTo ?? signInEnd(config)) },
  )
}

/** The page that asks for the code sent to the address. */
export async function codePage(
  c: AppContext,
  transaction: WaitingTransaction,
  { error, notice, status }: Partial<Shown>,
): Promise<Response> {
  const { gateway } = c.var.call
  const { issuer, config } = gateway
  const { id, returnTo, to, pausedUntil = 0 } = transaction
  const pause = (pausedUntil - gateway.now().getTime()) / 1000
  const paused = pause > 0 ? fill(copy.code.paused, { wait: durationText(pause) }).join('') : undefined
  return renderPage(
    CodePage({
      action: '/web/code',
      resendAction: '/web/code/resend',
      startOverHref: signInHref(returnTo, to.channel === 'sms'),
      withoutMailHref: transactionUrl('/web/without-mail', transaction),
      csrf: newFormToken(c.var.call, { transaction: id }),
      hidden: { return_to: returnTo, [to.channel === 'sms' ? 'phone' : 'email']: to.address },
      address: to.address,
      channel: to.channel,
      offersPasskeys: relyingPartyOf(config) !== undefined,
      minutes: LIFETIME_SECONDS / 60,
      wait: await waitToSend(c.var.call, to),
      ...(await destinationOf(gateway, returnTo)),
      host: new URL(issuer).host,
      error,
      notice: paused ?? notice,
    }),
    { status, formAction: endsAtClient(returnTo ?? signInEnd(config)) },
  )
}

/**
 * Restarts a sign-in whose form expired or whose transaction is lost: asks for the address again, prefilled. A person who has since
 * signed in, in another tab, continues to `return_to`.
 */
export async function beginAgain(
  c: AppContext,
  { typed, token, error }: Expired,
  show = (shown: Shown, transaction: SignInTransaction): Response | Promise<Response> =>
    signInPage(c, transaction, shown),
): Promise<Response> {
  const returnTo = safeReturnTo(c.var.call.gateway.config, typed.return_to)
  const signedIn = await browserSession(c.var.call)
  if (signedIn && token && signedIn.session.authenticatedAt >= token.madeAt)
    return c.redirect(returnTo ?? signInEnd(c.var.call.gateway.config), 303)
  return show({ typed, error, status: 403 }, newTransaction({ returnTo, email: typed.email }))
}

const signInQuery = once(() =>
  z.object({
    return_to: returnToField(),
    redirect_url: returnToField(),
    prompt: z.optional(z.string().check(z.maxLength(100))),
    error: z.optional(z.string().check(z.maxLength(100))),
    by: z.optional(z.string().check(z.maxLength(100))),
    t: z.optional(z.string().check(z.maxLength(100))),
  }),
)

/**
 * Opens a sign-in with `return_to`; a signed-in person is redirected there immediately.
 * @param options.home where a sign-in without `return_to` ends
 * @param options.welcome the page for a signed-in person without `return_to`
 */
export async function openSignIn(
  c: AppContext,
  options: { home?: string; welcome: (signedIn: SignedIn) => Response },
): Promise<Response> {
  const query = readQuery(c, signInQuery())
  const asked = safeReturnTo(c.var.call.gateway.config, query.return_to ?? query.redirect_url)
  const signedIn = await browserSession(c.var.call)
  const { error: named = '' } = query
  const failed = isRefusal(named) && catalogue[named].atSignIn ? named : undefined
  if (signedIn && !failed && !/login|select_account/.test(query.prompt ?? ''))
    return asked ? c.redirect(asked, 302) : options.welcome(signedIn)
  const waiting = failed ? await findTransaction(c.var.call, query.t) : undefined
  const transaction = waiting ?? newTransaction({ returnTo: asked ?? options.home })
  const typed = { email: transaction.email, phone: query.by === 'phone' ? '' : undefined }
  const error = failed && ({ text: refusalText(failed), field: 'form' } as const)
  return signInPage(c, transaction, { typed, error })
}

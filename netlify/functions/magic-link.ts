import * as z from 'zod/mini'
import { bearerToken, browserSession } from '../../shared/access/authenticate.ts'
import { newFormToken } from '../../shared/access/form-token.ts'
import { signInEnd } from '../../shared/access/return-to.ts'
import { GatewayError } from '../../shared/errors.ts'
import { commit } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { done, formOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { endsAtClient } from '../../shared/oauth/authorize/authorize-url.ts'
import { once } from '../../shared/once.ts'
import { findClient } from '../../shared/queries/api-clients.ts'
import { completeSignIn, type SignInMethod } from '../../shared/sign-in/complete.ts'
import { signInDirectly } from '../../shared/sign-in/direct-sign-in.ts'
import { accountMethod } from '../../shared/sign-in/external-sign-in.ts'
import { audienceInput } from '../../shared/sign-in/fields.ts'
import {
  codeOf,
  handOverUrl,
  type MagicLink,
  openHandOver,
  openLink,
  sendMagicLink,
  signInInstead,
  stateOfLink,
} from '../../shared/sign-in/magic-link.ts'
import { codeCheck, codeMethod, recordCode } from '../../shared/sign-in/one-time-code.ts'
import { clientOfPlatform } from '../../shared/sign-in/start-session.ts'
import { supabaseAccount } from '../../shared/sso/supabase-project.ts'
import { readSupabaseToken } from '../../shared/sync/supabase-users.ts'
import { emailLookup } from '../../shared/typed/email.ts'
import { typedEmail } from '../../shared/typed/fields.ts'
import * as schemas from '../openapi/schemas.ts'
import { form, type Shown } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import { MagicLinkPage } from '../pages/magic-link.tsx'
import { renderPage } from '../pages/render.ts'
import { passwordBody, redirectTo, signedInBody } from '../pages/sign-in-response.ts'
import { welcomePage } from '../pages/signed-in.tsx'

const CALLBACK = '/v1/auth/magic-link/callback'
const app = createFormApp('Sign-in', 'api')
app.use(translated)

const uri = once(() => z.optional(z.string().check(z.maxLength(2000, 'invalid_redirect_uri'))))
const magicLinkRequest = once(() =>
  z.object({
    email: typedEmail(),
    redirect_uri: uri(),
    return_to: uri(),
    ...audienceInput('web'),
    create_user: z.optional(z.boolean()),
  }),
)

app.route('POST', '/v1/auth/magic-link', {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Sends a sign-in link', body: magicLinkRequest, answers: { 200: done } },
})(async (c) => {
  const { email, redirect_uri, return_to, platform, project_scope, create_user } = await readBody(c, magicLinkRequest())
  const redirectUri = redirect_uri ?? return_to
  await sendMagicLink(c.var.call, {
    email,
    redirectUri,
    platform,
    projectScope: project_scope,
    createUser: create_user,
  })
  return c.json({ success: true, message: 'If the address can receive messages, a link is on its way.' })
})

const linkState = once(() => z.string('magic_link_state_missing').check(z.maxLength(4000, 'magic_link_state_invalid')))

const endOf = ({ redirectUri }: MagicLink) => redirectUri ?? signInEnd(gateway().config)

/** Asks to confirm the sign-in with a link. */
async function page(c: AppContext, state: string, link: MagicLink, { error, status }: Partial<Shown> = {}) {
  const client = link.handsOver ? await findClient(gateway().reads, clientOfPlatform(link.platform)) : undefined
  const end = new URL(endOf(link), gateway().issuer)
  const shown = MagicLinkPage({
    ...{ action: CALLBACK, csrf: newFormToken(c.var.call), state, link, error },
    clientName: link.handsOver ? (client?.metadata.client_name ?? '') : undefined,
    destination: end.host || end.protocol,
    now: c.var.call.now(),
  })
  return renderPage(shown, { status, formAction: endsAtClient(end.href) })
}

/** Responds to a used link: the person it signed in to this browser continues; anyone else requests a new one. */
async function spent(c: AppContext, link: MagicLink, holder: string | undefined): Promise<Response> {
  const signedIn = await browserSession(c.var.call)
  if (signedIn && holder && signedIn.person.members.includes(holder))
    return link.handsOver ? welcomePage(c, signedIn) : c.redirect(endOf(link), 303)
  throw new GatewayError('magic_link_state_invalid', { reason: 'used', next: signInInstead(link) })
}

const exchange = once(() => z.object({ state: linkState() }))

/** Target of the link. It only asks, since mail scanners and previews open links too (docs/security-rules.md S8). */
app.route('GET', CALLBACK, {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Asks to confirm the sign-in', query: exchange, answers: { 200: 'page', 303: 'redirect' } },
})(async (c) => {
  const { state } = readQuery(c, exchange())
  const link = openLink(gateway(), state)
  const { open, holder } = await stateOfLink(c.var.call, link)
  return open ? page(c, state, link) : spent(c, link, holder)
})

/** Signs this browser in, or passes a code to the application. A URL never contains a token. */
app.route('POST', CALLBACK, {
  authority: byProtocol('ceremony'),
  operation: formOperation('Confirms the sign-in', exchange),
})((c) =>
  form(c, {
    schema: exchange(),
    load: (_, { state }) => ({ state: state ?? '', link: openLink(gateway(), state ?? '') }),
    render: (shown, { state, link }) => page(c, state, link, shown),
    act: async (_, { link }) => {
      const { open, holder } = await stateOfLink(c.var.call, link)
      if (!open) return spent(c, link, holder)
      if (!link.handsOver || !link.redirectUri) return enter(c, link)
      // Until the application has redeemed a code, the button issues another one for the same link.
      c.set('runsAgain', true)
      return c.redirect(handOverUrl(gateway(), link, link.redirectUri), 303)
    },
  }),
)

async function enter(c: AppContext, link: MagicLink): Promise<Response> {
  const replaces = await browserSession(c.var.call)
  const request = { platform: 'web', projectScope: link.projectScope, replaces, page: { returnTo: endOf(link) } }
  const { cookies } = await completeSignIn(c.var.call, codeMethod(c.var.call, codeOf(link)), request).catch(stale)
  return redirectTo(c, { location: endOf(link), cookies })
}

/** A link has no code to mistype, so an invalid code means that the link was used. */
function stale(error: unknown): never {
  if (error instanceof GatewayError && error.refusal === 'otp_invalid')
    throw new GatewayError('magic_link_state_invalid', { reason: error.options.reason ?? 'used' })
  throw error
}

/** Accepts a Supabase token of the person to whom the link was sent, and consumes the link. */
async function supabaseMethod(c: AppContext, token: string, link: MagicLink): Promise<SignInMethod> {
  const profile = await readSupabaseToken(gateway(), token)
  if (!profile.email || emailLookup(profile.email) !== emailLookup(link.email))
    throw new GatewayError('magic_link_email_mismatch')
  const check = codeCheck(c.var.call, codeOf(link))
  await commit(c.var.call, async (work) => {
    recordCode(work, await check(), gateway().now())
  }).catch(stale)
  return accountMethod(gateway(), supabaseAccount(profile, 'supabase'))
}

/** Exchanges the code passed to an application, or a Supabase token with the state of a link, for a session. */
app.route('POST', '/v1/auth/magic-link/exchange', {
  authority: byProtocol('ceremony'),
  operation: {
    summary: 'Exchanges the code of an application, or a Supabase access token, for a session',
    by: ['token'],
    body: exchange,
    answers: { 200: schemas.linkPair },
  },
})(async (c) => {
  const token = bearerToken(c.var.call)
  if (!token) throw new GatewayError('token_missing')
  const { state } = await readBody(c, exchange())
  const isSupabase = token.includes('.')
  const link = isSupabase ? openLink(gateway(), state) : openHandOver(gateway(), token, state)
  const method = isSupabase ? await supabaseMethod(c, token, link) : codeMethod(c.var.call, codeOf(link))
  const signedIn = await signInDirectly(c.var.call, method, link).catch(stale)
  const body = (isSupabase ? passwordBody : signedInBody)(c, signedIn)
  return c.json({ success: true, redirect_to: endOf(link), ...body, auth_method: 'magic_link' })
})

export default serve(app)

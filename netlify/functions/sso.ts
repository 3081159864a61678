import { createHash } from 'node:crypto'
import { jwtVerify } from 'jose'
import * as z from 'zod/mini'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { postedPairs, readBody, readQuery } from '../../shared/http/body.ts'
import { pageOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { idOf } from '../../shared/people/profile.ts'
import { claimOnce } from '../../shared/queries/replay-guard.ts'
import { clearFlow, type SsoFlow, writeFlow } from '../../shared/sso/flow.ts'
import { askHookProvider, readHookAssertion } from '../../shared/sso/hook-provider.ts'
import {
  codeRequestUrl,
  configurationOf,
  finishCodeRequest,
  keysOf,
  providerLogoutUrl,
} from '../../shared/sso/oauth-client.ts'
import { endUpstreamSessions, readLogoutTicket, ticketQuery } from '../../shared/sso/provider-logout.ts'
import { finishFlow } from '../../shared/sso/sso-finish.ts'
import { backToSignIn, beginFlow, enabledConnection, startQuery, takeFlow } from '../../shared/sso/sso-steps.ts'
import { finishSupabaseFlow, SUPABASE, supabaseAuthorizeUrl } from '../../shared/sso/supabase-project.ts'
import { errorPage } from '../pages/error-page.tsx'
import { redirectTo } from '../pages/sign-in-response.ts'

const CALLBACK = '/v1/auth/oauth/callback'
const app = createApp('api', { tag: 'Other identity providers', errorPage })

/** Redirects the browser to an identity provider (docs/wire-contract.md 1.4). */
app.route('GET', '/v1/auth/oauth', {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Redirects the browser to an identity provider', startQuery),
})(async (c) => {
  const query = readQuery(c, startQuery())
  const connection = await enabledConnection(gateway(), query.provider)
  const { slug, settings } = connection
  if (settings.protocol === 'saml') return c.redirect(`/v1/auth/saml/${slug}/start${new URL(c.req.url).search}`, 302)
  const callback = `${gateway().issuer}${CALLBACK}/${slug}`
  const flow = await beginFlow(c.var.call, { ...query, provider: slug }, callback)
  await writeFlow(c.var.call, flow)
  const { login_hint: loginHint } = query
  if (settings.protocol === 'supabase') {
    const challenge = createHash('sha256').update(flow.verifier).digest('base64url')
    return c.redirect(supabaseAuthorizeUrl(gateway(), connection, { ...flow, challenge }).href, 302)
  }
  if (settings.protocol === 'hook') {
    const asked = { loginHint, ip: c.var.call.request.clientIp, userAgent: c.var.call.request.userAgent }
    const { redirect_to, assertion = '' } = await askHookProvider(gateway(), connection, flow, asked)
    const answered = `${CALLBACK}/${slug}?${new URLSearchParams({ state: flow.state, assertion })}`
    return c.redirect(redirect_to ?? answered, 302)
  }
  return c.redirect((await codeRequestUrl(gateway(), connection, flow, { loginHint })).href, 302)
})

/** Each provider has its own callback, so a response to the former shared one belongs to no flow (docs/security-rules.md S12). */
app.route('GET', '/v1/auth/oauth/callback', {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Redirects a response without a flow to the sign-in page', answers: { 302: 'redirect' } },
})((c) =>
  redirectTo(c, backToSignIn(new GatewayError('sso_state_invalid', { reason: 'callback without a provider' })), 302),
)

app.route('GET', `${CALLBACK}/:slug`, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Receives the response of an identity provider'),
})(async (c) => {
  const slug = c.req.param('slug').toLowerCase()
  const answer = new URL(`${gateway().issuer}${CALLBACK}/${slug}`)
  answer.search = new URL(c.req.url).search
  const { searchParams } = answer
  let flow: SsoFlow | undefined
  try {
    const connection = await enabledConnection(gateway(), slug)
    const { protocol } = connection.settings
    flow = await takeFlow(c.var.call, connection.slug, searchParams.get('state'))
    clearFlow(c.var.call, flow)
    if (protocol === 'supabase') {
      const profile = await finishSupabaseFlow(gateway(), searchParams, flow.verifier)
      return redirectTo(
        c,
        await finishFlow(c.var.call, flow, { connection: SUPABASE, profile, method: 'supabase' }),
        302,
      )
    }
    const profile =
      protocol === 'hook'
        ? await readHookAssertion(gateway(), connection, flow, searchParams.get('assertion') ?? '')
        : await finishCodeRequest(gateway(), connection, flow, answer)
    return redirectTo(c, await finishFlow(c.var.call, flow, { connection, profile, method: protocol }), 302)
  } catch (error) {
    return redirectTo(c, backToSignIn(error, flow), 302)
  }
})

/** Redirects a posted response (`form_post`), so that the next request carries the cookies of this browser. */
app.route('POST', `${CALLBACK}/:slug`, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Receives a posted response of an identity provider'),
})(async (c) => {
  const slug = c.req.param('slug').toLowerCase()
  const query = await postedPairs(c)
  const known = /^(code|state|iss|assertion|error|error_description)$/
  for (const name of [...query.keys()]) if (!known.test(name)) query.delete(name)
  return c.redirect(`${CALLBACK}/${encodeURIComponent(slug)}?${query}`, 303)
})

/** Signs a browser out at the provider after it signed out here (OpenID Connect RP-Initiated Logout). */
app.route('GET', '/v1/auth/oauth/logout/:slug', {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Signs out at the identity provider', ticketQuery),
})(async (c) => {
  const connection = await enabledConnection(gateway(), c.req.param('slug'))
  const upstream = await readLogoutTicket(gateway(), connection.slug, readQuery(c, ticketQuery()).ticket)
  const asked = { returnTo: `${gateway().issuer}/web/login`, idToken: upstream?.idToken }
  const url = await providerLogoutUrl(gateway(), connection, asked).catch(() => undefined)
  return c.redirect(url?.href ?? '/web/login', 302)
})

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const logoutForm = once(() => z.object({ logout_token: z.string('invalid_request').check(z.maxLength(8000)) }))

/** Ends the sessions of a person who signed out at a provider (OpenID Connect Back-Channel Logout section 2.6). */
app.route('POST', '/v1/auth/oauth/backchannel/:slug', {
  authority: byProtocol('ceremony'),
  operation: {
    summary: 'Receives a sign-out of an identity provider (OpenID Connect Back-Channel Logout)',
    by: ['signature'],
    body: logoutForm,
    answers: { 200: 'empty' },
  },
})(async (c) => {
  const connection = await enabledConnection(gateway(), c.req.param('slug'))
  const { logout_token } = await readBody(c, logoutForm())
  const configuration = await configurationOf(gateway(), connection)
  const { client_id = '', issuer } = connection.settings
  const { payload } = await jwtVerify(logout_token, keysOf(gateway(), configuration), {
    issuer,
    audience: client_id,
    algorithms: ['RS256', 'ES256', 'PS256', 'EdDSA'],
    clockTolerance: 10,
    maxTokenAge: 300,
    requiredClaims: ['jti', 'iat', 'events'],
  }).catch((cause: unknown) => {
    throw new GatewayError('invalid_request', { reason: 'logout token', cause })
  })
  const [account, sid, nonce] = [idOf(payload.sub), idOf(payload.sid), payload.nonce ?? undefined]
  const events = payload.events as Record<string, unknown> | null
  const isLogout = typeof events === 'object' && events !== null && EVENT in events && nonce === undefined
  if (!isLogout || (account ?? sid) === undefined)
    throw new GatewayError('invalid_request', { reason: 'not a logout token' })
  const until = new Date(Date.now() + 600_000)
  if (!(await claimOnce(gateway().reads, 'logout-token', [connection.slug, payload.jti ?? ''], until)))
    throw new GatewayError('invalid_request', { reason: 'logout token seen before' })
  await endUpstreamSessions(c.var.call, connection, { account, sessions: sid ? [sid] : [] })
  return c.body(null, 200, { 'Cache-Control': 'no-store' })
})

export default serve(app)

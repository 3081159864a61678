import * as z from 'zod/mini'
import { checkAccessToken, type TokenVerdict } from '../../shared/access/access-token.ts'
import { bearerToken, browserSession, schemeOf } from '../../shared/access/authenticate.ts'
import { everyday, everydayOwner, sensitive } from '../../shared/access/authorities.ts'
import { isForeignPost, refuseForeignPage } from '../../shared/access/csrf.ts'
import { checkSenderConstraint } from '../../shared/access/sender-constraint.ts'
import { revokeFamily } from '../../shared/domain/token-family.ts'
import { GatewayError } from '../../shared/errors.ts'
import { commit } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { clearSessionCookies } from '../../shared/http/cookies.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { type Refreshed, refresh } from '../../shared/oauth/token/refresh-token.ts'
import { renewAccessToken } from '../../shared/oauth/token/renewal.ts'
import { resumeFamily } from '../../shared/oauth/token/token-family.ts'
import { once } from '../../shared/once.ts'
import { listSessions } from '../../shared/queries/sessions.ts'
import type { Family } from '../../shared/queries/token-families.ts'
import { userOf } from '../../shared/sign-in/direct-sign-in.ts'
import { endSession } from '../../shared/sign-in/end-session.ts'
import { originOf } from '../../shared/sign-in/session-origin.ts'
import { requireUuid } from '../../shared/typed/fields.ts'
import * as schemas from '../openapi/schemas.ts'

const app = createApp('api', { tag: 'Account and sessions' })

const profile = everyday({ scope: 'account:read', keyScope: null })

app.route('GET', '/v1/auth/me', {
  authority: profile,
  operation: { summary: 'Returns the profile of the caller', answers: { 200: schemas.profile } },
})((c, { person, session, projectScope, platform }) => {
  const organizationId = person.alias ? null : person.organizationId
  const createdAt = person.createdAt.toISOString()
  const lastSignIn = session?.authenticatedAt.toISOString() ?? null
  return c.json({
    id: person.alias ?? person.uai,
    user_id: person.alias ?? person.uai,
    email: person.email,
    name: person.name ?? null,
    avatar_url: null,
    role: person.role,
    plan: person.plan,
    organization_id: organizationId,
    organizationId,
    provider: 'email',
    project_scope: projectScope,
    platform,
    created_at: createdAt,
    createdAt,
    last_sign_in_at: lastSignIn,
    lastLogin: lastSignIn,
    metadata: { locale: person.locale ?? null, timezone: null },
  })
})

const sessionUser = () => z.extend(schemas.user(), { platform: z.string() })

app.route('GET', '/v1/auth/session', {
  authority: profile,
  operation: {
    summary: 'Returns the caller and their number of sessions',
    answers: { 200: () => z.object({ user: sessionUser(), sessions: z.int() }) },
  },
})(async (c, { person, projectScope, platform }) => {
  const sessions = await listSessions(gateway().reads, person)
  return c.json({
    user: { ...userOf(person, projectScope), platform },
    sessions: sessions.length,
  })
})

app.route('GET', '/v1/auth/session/check', {
  authority: byProtocol('subject', true),
  operation: {
    summary: 'Reports whether this browser is signed in; always 200',
    by: ['session'],
    open: true,
    answers: { 200: () => z.object({ authenticated: z.boolean(), user: z.nullable(schemas.user()) }) },
  },
})(async (c) => {
  const signedIn = await browserSession(c.var.call)
  return c.json({
    authenticated: signedIn !== undefined,
    user: signedIn ? userOf(signedIn.person, signedIn.session.projectScope) : null,
  })
})

app.route('GET', '/v1/auth/sessions', {
  authority: everydayOwner,
  operation: { summary: 'Lists sessions', answers: { 200: () => z.object({ sessions: z.array(schemas.session()) }) } },
})(async (c, { person, session: current }) => {
  const sessions = await listSessions(gateway().reads, person)
  return c.json({
    sessions: sessions.map((session) => {
      const { ip, userAgent } = originOf(gateway(), session)
      return {
        id: session.id,
        current: session.id === current.id,
        platform: session.platform,
        ip_address: ip ?? null,
        user_agent: userAgent ?? null,
        created_at: session.started_at,
        last_used_at: session.last_seen_at ?? session.started_at,
        expires_at: session.expires_at,
      }
    }),
  })
})

const revocation = () => z.object({ success: z.literal(true), revoked: z.boolean() })

app.route('DELETE', '/v1/auth/sessions/:id', {
  authority: sensitive('tokens'),
  operation: {
    summary: 'Ends a session',
    answers: { 200: revocation },
  },
})(async (c, { person, session }) => {
  const id = requireUuid(c.req.param('id'))
  const revoked = await endSession(c.var.call, person, id, 'revoked', { sessionId: session.id })
  return c.json({ success: true, revoked })
})

async function endTokens(c: AppContext, family: Family): Promise<boolean> {
  if (family.kind === 'session') {
    const { person, session, client } = family
    const by = { sessionId: session.id, clientId: client.client_id }
    return endSession(c.var.call, person, session.id, 'logout', by)
  }
  return commit(c.var.call, async (work) => {
    resumeFamily(work, family).decide((state) => revokeFamily(state, 'logout'))
    return true
  })
}

/**
 * Refuses a bound token without proof of possession, and a direct sign-in token for another audience, whose recipient must not be able
 * to end the session.
 * @throws GatewayError invalid_token, invalid_dpop_proof
 */
async function demandHolder(
  c: AppContext,
  token: string,
  { family, audience, confirmation }: Extract<TokenVerdict, { valid: true }>,
): Promise<void> {
  await checkSenderConstraint(c.var.call, { token, scheme: schemeOf(c.var.call), confirmation })
  if (family.kind === 'session' && !audience.includes(gateway().issuer))
    throw new GatewayError('invalid_token', { reason: 'token for another resource' })
}

/** Ends the session or tokens presented: a browser session, a direct sign-in, or the tokens of one application. */
app.route('POST', '/v1/auth/logout', {
  authority: byProtocol('subject', true),
  operation: {
    summary: 'Ends the presented session or tokens and clears the cookies',
    by: ['token', 'session'],
    open: true,
    answers: { 200: revocation },
  },
})(async (c) => {
  const signedIn = await browserSession(c.var.call)
  if (signedIn) refuseForeignPage(c.var.call)
  const token = bearerToken(c.var.call)
  const verdict = token ? await checkAccessToken(gateway(), token) : undefined
  if (token && verdict?.valid) await demandHolder(c, token, verdict)
  const ended = [
    signedIn &&
      (await endSession(c.var.call, signedIn.person, signedIn.session.id, 'logout', {
        sessionId: signedIn.session.id,
      })),
    verdict?.valid && (await endTokens(c, verdict.family)),
  ]
  if (!isForeignPost(c.var.call)) clearSessionCookies(c.var.call)
  return c.json({ success: true, revoked: ended.includes(true) })
})

const refreshBody = once(() =>
  z.object({
    refresh_token: z.optional(z.string().check(z.maxLength(500))),
    refreshToken: z.optional(z.string().check(z.maxLength(500))),
  }),
)

/** Refreshes a direct sign-in by its refresh token, or by the access token of the request (lanonasis-sdk). */
async function refreshed(c: AppContext): Promise<Refreshed> {
  const body = await readBody(c, refreshBody())
  const presented = body.refresh_token ?? body.refreshToken
  if (presented) return refresh(c.var.call, undefined, { refresh_token: presented })
  const token = bearerToken(c.var.call)
  if (!token) throw new GatewayError('missing_refresh_token')
  return renewAccessToken(c.var.call, { token, scheme: schemeOf(c.var.call) })
}

app.route('POST', '/v1/auth/refresh', {
  authority: byProtocol('subject'),
  operation: {
    summary: 'Refreshes a direct sign-in',
    by: ['token'],
    open: true,
    body: refreshBody,
    answers: { 200: schemas.refreshed },
  },
})(async (c) => {
  try {
    const { response, family } = await refreshed(c)
    return c.json({
      ...response,
      token: response.access_token,
      expiresAt: new Date(c.var.call.now().getTime() + response.expires_in * 1000).toISOString(),
      user: userOf(family.person, family.session.projectScope),
    })
  } catch (error) {
    if (error instanceof GatewayError && error.refusal === 'invalid_grant')
      throw new GatewayError('invalid_refresh_token', error.options)
    throw error
  }
})

export default serve(app)

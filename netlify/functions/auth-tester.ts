import { decodeJwt } from 'jose'
import * as z from 'zod/mini'
import { newFormToken } from '../../shared/access/form-token.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { challengeOf } from '../../shared/oauth/authorize/pkce.ts'
import { redeemCode } from '../../shared/oauth/token/authorization-code.ts'
import { tokenResponse } from '../../shared/oauth/token/token-response.ts'
import { once } from '../../shared/once.ts'
import { clearAttempt, readAttempt, startAttempt } from '../../shared/sign-in/tester-cookie.ts'
import { TesterCodePage, TesterFailedPage, TesterPage, TesterTokensPage } from '../pages/auth-tester.tsx'
import { form, type Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { renderPage } from '../pages/render.ts'

const CLIENT_ID = 'auth-tester'
const app = createFormApp('Sign-in pages')
const redirectUri = () => `${gateway().issuer}/auth-tester`

/** The test client is not available in production. */
app.use(async (_, next) => {
  if (gateway().config.mode === 'production') throw new GatewayError('route_not_found')
  await next()
})

/** Scopes of the test client, which shows each step of the flow (docs/wire-contract.md 1.5 and 3.5). */
const SCOPE = 'openid profile email'
const testerPage = (c: AppContext, scope: string, { error, status }: Partial<Shown> = {}) =>
  renderPage(TesterPage({ scope, csrf: newFormToken(c.var.call), error }), { status })

app.route('GET', '/test-client', {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Shows the test client; not in production'),
})((c) => testerPage(c, SCOPE))

const scopeForm = once(() => z.object({ scope: z.optional(z.string().check(z.maxLength(500))) }))

app.route('POST', '/test-client', {
  authority: byProtocol('ceremony'),
  operation: formOperation('Starts a test authorization', scopeForm),
})((c) =>
  form(c, {
    schema: scopeForm(),
    render: (shown) => testerPage(c, shown.typed.scope ?? SCOPE, shown),
    act: ({ scope }) => {
      const { verifier, state, nonce } = startAttempt(c.var.call)
      const query = {
        response_type: 'code',
        client_id: CLIENT_ID,
        redirect_uri: redirectUri(),
        state,
        nonce,
        code_challenge: challengeOf(verifier),
        code_challenge_method: 'S256',
        ...(scope && { scope }),
      }
      return c.redirect(`/oauth/authorize?${new URLSearchParams(query)}`, 303)
    },
  }),
)

const callback = once(() =>
  z.object({
    code: z.optional(z.string().check(z.maxLength(500))),
    state: z.optional(z.string().check(z.maxLength(2048))),
    error: z.optional(z.string().check(z.maxLength(100))),
    error_description: z.optional(z.string().check(z.maxLength(1000))),
  }),
)

app.route('GET', '/auth-tester', {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Redirect URI of the test client', callback),
})((c: AppContext) => {
  const { code, state, error, error_description: description } = readQuery(c, callback())
  if (error) return renderPage(TesterFailedPage({ error, description }), { status: 400 })
  if (!code) return c.redirect('/test-client', 302)
  const own = readAttempt(c.var.call)?.state === state
  return renderPage(TesterCodePage({ code, own, csrf: newFormToken(c.var.call) }))
})

const codeForm = once(() => z.pick(callback(), { code: true }))

app.route('POST', '/auth-tester', {
  authority: byProtocol('ceremony'),
  operation: formOperation('Exchanges the code of the test client', codeForm),
})((c) =>
  form(c, {
    schema: codeForm(),
    load: () => readAttempt(c.var.call)?.verifier,
    restart: () => c.redirect('/test-client', 303),
    act: async ({ code }, verifier) => {
      clearAttempt(c.var.call)
      const credentials = { clientId: CLIENT_ID, method: 'none' as const, limits: [] }
      const request = { code, redirect_uri: redirectUri(), code_verifier: verifier }
      const family = await redeemCode(c.var.call, credentials, request)
      const answer = await tokenResponse(gateway(), family)
      const accessToken = decodeJwt(answer.access_token)
      const idToken = answer.id_token ? decodeJwt(answer.id_token) : undefined
      return renderPage(TesterTokensPage({ answer, accessToken, idToken }))
    },
  }),
)

export default serve(app)

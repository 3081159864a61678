import * as z from 'zod/mini'
import { openUnlessInvalid } from '../../shared/access/authorities.ts'
import { requestedScope } from '../../shared/access/project-scope.ts'
import { safeReturnTo } from '../../shared/access/return-to.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import type { Operation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import type { ExternalProfile } from '../../shared/people/profile.ts'
import { signInDirectly } from '../../shared/sign-in/direct-sign-in.ts'
import { accountMethod } from '../../shared/sign-in/external-sign-in.ts'
import { audienceInput, credentialsInput, optionalName } from '../../shared/sign-in/fields.ts'
import { supabaseAccount } from '../../shared/sso/supabase-project.ts'
import { checkPassword, signUp } from '../../shared/sync/supabase-users.ts'
import { returnToField } from '../../shared/typed/fields.ts'
import * as schemas from '../openapi/schemas.ts'
import { errorPage } from '../pages/error-page.tsx'
import { passwordBody } from '../pages/sign-in-response.ts'

const app = createApp('api', { tag: 'Sign-in', errorPage })

const login = once(() =>
  z.object({
    ...credentialsInput(),
    ...audienceInput('web'),
    return_to: returnToField(),
  }),
)

/** Signs a Supabase user in and returns a token pair. */
async function signIn(c: AppContext, profile: ExternalProfile, platform: string, scope: string) {
  const method = accountMethod(gateway(), supabaseAccount(profile, 'password'))
  return passwordBody(c, await signInDirectly(c.var.call, method, { platform, projectScope: scope }))
}

const byPassword = {
  body: login,
  answers: { 200: schemas.pair },
}

/** Signs in with a password that Supabase Auth checks (docs/wire-contract.md 1.4 and 5.1). */
app.route('POST', '/v1/auth/login', {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Signs in with a password', ...byPassword },
})(async (c) => {
  const { platform, project_scope, return_to, ...credentials } = await readBody(c, login())
  const profile = await checkPassword(c.var.call, credentials)
  const pair = await signIn(c, profile, platform, requestedScope(c.var.call, project_scope))
  const redirect_to = safeReturnTo(gateway().config, return_to)
  return c.json({ ...pair, ...(redirect_to && { redirect_to }) })
})

const registration = once(() => z.object({ ...credentialsInput(), name: optionalName() }))
const MESSAGE = 'Confirm your address with the link that we sent, then sign in.'

/** Signs up. The response does not reveal whether the address is already known. */
async function register(c: AppContext) {
  const input = await readBody(c, registration())
  const profile = await signUp(c.var.call, input)
  const user = { email: input.email, plan: 'free' }
  if (!profile) return c.json({ success: true, message: MESSAGE, user, requires_confirmation: true })
  const pair = await signIn(c, profile, 'cli', requestedScope(c.var.call))
  return c.json({
    success: true,
    message: 'Signed up.',
    ...pair,
    token: pair.access_token,
    user: { ...pair.user, ...user },
  })
}

const signUpOperation: Operation = {
  summary: 'Signs up with a password, stored by Supabase Auth',
  body: registration,
  answers: { 200: () => z.union([schemas.signUp(), schemas.awaitsConfirmation()]) },
}

app.route('POST', '/v1/auth/signup', { authority: byProtocol('ceremony'), operation: signUpOperation })(register)
app.route('POST', '/v1/auth/register', { authority: byProtocol('ceremony'), operation: signUpOperation })(register)

const cliRegistration = once(() =>
  z.object({
    ...credentialsInput(),
    confirm_password: z.optional(z.string()),
    name: optionalName(),
  }),
)

app.route('POST', '/auth/cli-register', {
  authority: byProtocol('ceremony'),
  operation: {
    summary: 'Signs up from a terminal',
    body: cliRegistration,
    answers: { 200: () => z.union([schemas.cliSignUp(), schemas.awaitsConfirmation()]) },
  },
})(async (c) => {
  const { confirm_password, ...input } = await readBody(c, cliRegistration())
  if (confirm_password !== undefined && confirm_password !== input.password) throw new GatewayError('passwords_differ')
  const profile = await signUp(c.var.call, input)
  if (!profile)
    return c.json({ success: true, message: MESSAGE, user: { email: input.email }, requires_confirmation: true })
  const { access_token, user } = await signIn(c, profile, 'cli', requestedScope(c.var.call))
  return c.json({ success: true, api_key: access_token, access_token, user, message: 'Signed up.' })
})

/** Signs in older MCP clients that prompt for a password themselves (docs/wire-contract.md 1.5). */
app.route('POST', '/mcp/auth', {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Signs an MCP client in with a password', ...byPassword },
})(async (c) => {
  const credentials = await readBody(c, z.object(credentialsInput()))
  const profile = await checkPassword(c.var.call, credentials)
  return c.json(await signIn(c, profile, 'mcp', 'mcp'))
})

const health = () => z.object({ status: z.string(), service: z.string(), timestamp: z.iso.datetime() })

app.route('GET', '/mcp/health', {
  authority: openUnlessInvalid,
  operation: {
    summary: 'Reports liveness; 401 if an invalid credential is presented',
    answers: { 200: health },
  },
})((c) => c.json({ status: 'ok', service: 'mcp-auth', timestamp: new Date().toISOString() }))

export default serve(app)

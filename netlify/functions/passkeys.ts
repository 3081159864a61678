import { randomBytes } from 'node:crypto'
import * as z from 'zod/mini'
import { sensitive } from '../../shared/access/authorities.ts'
import { commitAs } from '../../shared/access/authority.ts'
import { requestedScope } from '../../shared/access/project-scope.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { anything } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { describeUserAgent } from '../../shared/http/user-agent.ts'
import { once } from '../../shared/once.ts'
import { notifyFactorChange } from '../../shared/people/factor-notices.ts'
import { signInDirectly } from '../../shared/sign-in/direct-sign-in.ts'
import { audienceInput } from '../../shared/sign-in/fields.ts'
import { passkeyMethod, presentPasskey, requestOptions } from '../../shared/sign-in/passkey/authentication.ts'
import { assertion, newCredential } from '../../shared/sign-in/passkey/credential.ts'
import { recordNewPasskey, registrationOptions, verifyNewPasskey } from '../../shared/sign-in/passkey/registration.ts'
import * as schemas from '../openapi/schemas.ts'
import { signedInBody } from '../pages/sign-in-response.ts'

const BASE = '/v1/auth/passkeys'
const app = createApp('api', { tag: 'Sign-in' })

const publicKey = () => z.object({ publicKey: anything() })

/** The challenge is bound to the session or token of the caller. */
app.route('POST', `${BASE}/registration/options`, {
  authority: sensitive('every caller'),
  operation: { summary: 'Returns the options for a new passkey (WebAuthn)', answers: { 200: publicKey } },
})(async (c, { person, credentialId }) =>
  c.json({ publicKey: await registrationOptions(gateway(), person, credentialId) }),
)

const registration = once(() => z.object({ credential: newCredential() }))
const registered = () => z.object({ id: z.uuid(), name: z.string() })

app.route('POST', `${BASE}/registration/verify`, {
  authority: sensitive('every caller'),
  operation: { summary: 'Registers a passkey', body: registration, answers: { 201: registered } },
})(async (c, principal) => {
  const { credential } = await readBody(c, registration())
  const device = await describeUserAgent(c.var.call.request.userAgent)
  const verified = await verifyNewPasskey(gateway(), { credential, holder: principal.credentialId, device })
  const { person } = principal
  const { id } = await commitAs(c.var.call, principal, async (work) => {
    notifyFactorChange(c.var.call, work, { person, kind: 'passkey_added', what: verified.name })
    return recordNewPasskey(gateway(), work, person, verified)
  })
  return c.json({ id, name: verified.name }, 201)
})

const ceremony = once(() => z.string('passkey_expired').check(z.regex(/^[\w-]{43}$/, 'passkey_expired')))
const started = () => z.object({ ceremony: z.string(), publicKey: anything() })

/** The challenge is bound to `ceremony`, which only the app that asked for it knows. */
app.route('POST', `${BASE}/authentication/options`, {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Returns the options to sign in with a passkey (WebAuthn)', answers: { 200: started } },
})((c) => {
  const holder = randomBytes(32).toString('base64url')
  return c.json({ ceremony: holder, publicKey: requestOptions(gateway(), { purpose: 'sign_in', holder }) })
})

const authentication = once(() => z.object({ ceremony: ceremony(), credential: assertion(), ...audienceInput('cli') }))

app.route('POST', `${BASE}/authentication/verify`, {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Signs in with a passkey', body: authentication, answers: { 200: schemas.passkeyPair } },
})(async (c) => {
  const body = await readBody(c, authentication())
  const projectScope = requestedScope(c.var.call, body.project_scope)
  const use = { purpose: 'sign_in' as const, holder: body.ceremony }
  const presented = await presentPasskey(gateway(), body.credential, use)
  const request = { platform: body.platform, projectScope }
  const signedIn = await signInDirectly(c.var.call, passkeyMethod(c.var.call, presented), request)
  return c.json({ ...signedInBody(c, signedIn), auth_method: 'passkey' })
})

export default serve(app)

import * as z from 'zod/mini'
import { credentialsInput } from '../../shared/sign-in/password/password-input.ts'
import { startQuery } from '../../shared/sso/sso-steps.ts'
import { callback as testerCallback } from '../functions/auth-tester.ts'
import { callbackQuery } from '../functions/cli.ts'
import { answerForm, finishQuery } from '../functions/saml.ts'
import { logoutForm, ticketQuery } from '../functions/sso.ts'
import { addressForm, codeForm, codeQuery, csrfForm } from '../functions/web.ts'
import { linkQuery, pageQuery, signUpForm } from '../functions/web-password.ts'
import { pageQuery as withoutMailQuery } from '../functions/web-without-mail.ts'
import { type Family, form, type Operation, page } from './operation.ts'
import { pair } from './schemas.ts'

const returnTo = z.object({ return_to: z.optional(z.string()) })
const address = z.object({ email: z.optional(z.string()) })
const tab = z.object({ t: z.optional(z.string()) })
const done = z.object({ done: z.optional(z.string()) })
const away = (summary: string, query?: z.core.$ZodObject): Operation => ({
  summary,
  query,
  answers: { 200: 'page', 302: 'redirect', 303: 'redirect' },
})

export const signInPages: Family = {
  tag: 'Sign-in pages',
  description: 'Where people sign in and out.',
  dialect: 'page',
  operations: {
    'GET /web/login': page('Signs in', returnTo),
    'POST /web/login': form('Takes an address and sends a code', addressForm()),
    'GET /web/code': page('Asks for the code', codeQuery()),
    'POST /web/code': form('Takes the code', codeForm()),
    'POST /web/code/resend': form('Sends a new code', csrfForm()),
    'GET /web/logout': page('Signs out; from elsewhere than our own pages, asks first', csrfForm()),
    'POST /web/logout': form('Signs out', csrfForm()),
    'GET /web/recovery': page('Takes a recovery code as that proof', returnTo),
    'POST /web/recovery': form('Takes it'),
    'GET /web/without-mail': page('Signs in with a code of an operator', withoutMailQuery()),
    'POST /web/without-mail': form('Takes it'),
    'GET /web/step-up': page('Asks for one more proof', returnTo),
    'POST /web/step-up': form('Takes it'),
    'GET /auth/login': { summary: 'Leads to /web/login', answers: { 302: 'redirect' } },
    'GET /web/password': page('Signs in with a password', pageQuery()),
    'POST /web/password': form('Takes the password', z.object(credentialsInput())),
    'GET /web/signup': page('Signs up with a password', pageQuery()),
    'POST /web/signup': form('Takes the sign-up', signUpForm()),
    'GET /web/forgot-password': page('Asks for the address to send a link to', pageQuery()),
    'POST /web/forgot-password': form('Sends the link', address),
    'GET /web/reset-password': page('Where that link leads', linkQuery()),
    'POST /web/reset-password': form('Takes the new password', linkQuery()),
    'GET /web/confirm': page('Where the link of a confirmation mail leads', linkQuery()),
    'POST /web/confirm': form('Confirms the address', linkQuery()),
    'GET /auth/cli-login': page('Signs in on the way to a terminal', returnTo),
    'POST /auth/cli-login': {
      summary: 'Signs in from a terminal that asks for the password itself',
      body: z.object(credentialsInput()),
      answers: { 200: pair },
    },
    'POST /auth/cli-login/token': form('Makes a token to paste into a terminal', z.pick(csrfForm(), { csrf: true })),
    'GET /auth/cli-callback': page('Where the sign-in of a terminal elsewhere ends', callbackQuery()),
    'GET /test-client': page('A client to try the gateway with; not in production'),
    'POST /test-client': form('Begins its authorization', z.object({ scope: z.optional(z.string()) })),
    'GET /auth-tester': page('Its redirect URI', testerCallback()),
    'POST /auth-tester': form('Exchanges its code', z.pick(testerCallback(), { code: true })),
  },
}

export const providers: Family = {
  tag: 'Other identity providers',
  description: 'Sign-in through OpenID Connect, OAuth, SAML, Supabase and hooks.',
  dialect: 'api',
  operations: {
    'GET /v1/auth/oauth': away('Sends the browser to a provider', startQuery()),
    'GET /v1/auth/oauth/callback': {
      summary: 'An answer of no flow leads to the sign-in page',
      answers: { 302: 'redirect' },
    },
    'GET /v1/auth/oauth/callback/:slug': away('Where a provider sends the browser back'),
    'POST /v1/auth/oauth/callback/:slug': away('The same for answers that are posted'),
    'GET /v1/auth/oauth/logout/:slug': away('Signs out at the provider as well', ticketQuery()),
    'POST /v1/auth/oauth/backchannel/:slug': {
      summary: 'A provider tells of a sign-out (OpenID Connect Back-Channel Logout)',
      by: ['signature'],
      body: logoutForm(),
      answers: { 200: 'empty' },
    },
    'GET /v1/auth/saml/:slug/metadata': {
      summary: 'Metadata of this service provider',
      answers: { 200: 'application/samlmetadata+xml' },
    },
    'GET /v1/auth/saml/:slug/start': away('Sends the browser to a SAML provider', startQuery()),
    'POST /v1/auth/saml/:slug/acs': { ...away('Takes its assertion'), body: answerForm() },
    'GET /v1/auth/saml/:slug/acs': away('Finishes the sign-in that the assertion began', finishQuery()),
    'GET /v1/auth/saml/:slug/logout': away('Signs out there as well', ticketQuery()),
    'GET /v1/auth/saml/:slug/slo': away('Single logout'),
    'POST /v1/auth/saml/:slug/slo': away('Single logout'),
  },
}

export const accountPages: Family = {
  tag: 'Account pages',
  description: 'Where people see and manage what is theirs.',
  dialect: 'page',
  operations: {
    'GET /account/erase': page('Asks whether a person means to delete their account'),
    'POST /account/erase': form('Deletes it'),
    'GET /account': page('The account', done),
    'POST /account/sign-in-methods/remove': form('Removes a way to sign in'),
    'POST /account/sessions/end': form('Ends sessions'),
    'GET /account/totp': page('Adds an authenticator app', returnTo),
    'POST /account/totp': form('Takes its first code'),
    'POST /account/totp/remove': form('Removes one'),
    'GET /account/recovery-codes': page('Recovery codes'),
    'POST /account/recovery-codes': form('Makes new ones'),
    'GET /account/email': page('Adds an address'),
    'POST /account/email': form('Sends a code to it'),
    'GET /account/email/code': page('Asks for the code', tab),
    'POST /account/email/code': form('Takes the code'),
    'GET /account/phone': page('Adds a mobile number'),
    'POST /account/phone': form('Sends a code to it'),
    'GET /account/phone/code': page('Asks for the code', tab),
    'POST /account/phone/code': form('Takes the code'),
    'POST /account/split': form('Undoes a merge'),
    'GET /account/agents': page('Who acts for the person', done),
    'GET /account/agents/new': page('Lets an agent act'),
    'POST /account/agents': form('Lets an agent act'),
    'POST /account/agents/cut-off': form('Cuts an agent or application off'),
    'GET /account/api-keys': page('API keys', done),
    'GET /account/api-keys/new': page('Makes a key'),
    'POST /account/api-keys': form('Makes a key'),
    'GET /account/api-keys/:id': page('One key'),
    'GET /account/api-keys/:id/:decision{rotate|revoke|delete}': page('Asks whether it is meant'),
    'POST /account/api-keys/:id/rotate': form('Rotates the key'),
    'POST /account/api-keys/:id/:decision{revoke|delete}': form('Ends the key'),
  },
}

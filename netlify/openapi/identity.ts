import * as z from 'zod/mini'
import { newAgent } from '../functions/agents.ts'
import { account, bulk, mapping, merging, splitting } from '../functions/identities.ts'
import { confirmation, exchange as linkExchange, magicLinkRequest } from '../functions/magic-link.ts'
import { send, verify } from '../functions/otp.ts'
import { cliRegistration, login, registration } from '../functions/password.ts'
import { query as resolveQuery } from '../functions/resolve.ts'
import { refreshBody } from '../functions/session.ts'
import { exchange } from '../functions/token-exchange.ts'
import { contextBody, introspectBody, strictQuery, tokenBody } from '../functions/verify.ts'
import { anything, done, type Family, type Operation, PERSON } from './operation.ts'
import * as schemas from './schemas.ts'

const verification: Operation = {
  summary: 'Whether a credential stands, and whose it is',
  by: PERSON,
  query: z.object({ ...contextBody().shape, ...strictQuery().shape }),
  answers: { 200: schemas.verified },
}
const posted: Operation = { ...verification, query: strictQuery(), body: contextBody() }

export const verifications: Family = {
  tag: 'Verification',
  description: 'Who a credential belongs to, for services and proxies.',
  dialect: 'api',
  operations: {
    'GET /v1/auth/verify': verification,
    'POST /v1/auth/verify': posted,
    'GET /auth/validate': verification,
    'POST /auth/validate': posted,
    'POST /v1/auth/verify-api-key': {
      summary: 'Whether an API key stands, and what it may do',
      by: ['apiKey'],
      query: strictQuery(),
      body: contextBody(),
      answers: { 200: schemas.verifiedKey },
    },
    'POST /v1/auth/verify-token': {
      summary: 'Whether a token stands; both verdicts are 200',
      query: strictQuery(),
      body: tokenBody(),
      answers: { 200: schemas.tokenVerdict },
    },
    'POST /v1/auth/introspect': {
      summary: 'Who any credential belongs to, in the body or on the request',
      by: PERSON,
      open: true,
      query: strictQuery(),
      body: introspectBody(),
      answers: {
        200: z.union([schemas.identified, schemas.notIdentified]),
        400: z.union([schemas.notIdentified, z.looseObject({ error: z.string(), code: z.string() })]),
        401: schemas.notIdentified,
        403: schemas.notIdentified,
        503: schemas.notIdentified,
      },
    },
    'GET /v1/auth/resolve': {
      summary: 'Who a request comes from, with X-UAI-* headers; with client_id also a session of that application',
      by: PERSON,
      query: resolveQuery(),
      answers: { 200: z.union([schemas.resolution, schemas.openedApplication]) },
    },
    'GET /v1/auth/resolve/debug': {
      summary: 'How a request is resolved; not in production',
      by: PERSON,
      open: true,
      answers: { 200: anything },
    },
  },
}

const message = z.object({
  success: z.literal(true),
  message: z.string(),
  type: z.string(),
  expires_in: z.int(),
  retry_after: z.optional(z.number()),
})
const sendCode: Operation = { summary: 'Sends a one-time password', body: send(), answers: { 200: message } }
const byPassword = {
  body: login(),
  answers: { 200: schemas.pair },
}
const register: Operation = {
  summary: 'Signs up with a password, which Supabase Auth keeps',
  body: registration(),
  answers: { 200: z.union([schemas.signUp, schemas.awaitsConfirmation]) },
}
const health = z.object({ status: z.string(), service: z.string(), timestamp: z.iso.datetime() })

export const signIns: Family = {
  tag: 'Sign-in',
  description: 'Direct sign-in of programs that ask for the proof themselves.',
  dialect: 'api',
  operations: {
    'POST /v1/auth/otp/send': sendCode,
    'POST /v1/auth/otp/resend': { ...sendCode, summary: 'Sends a new one' },
    'POST /v1/auth/otp/verify': {
      summary: 'Signs in with a one-time password',
      body: verify(),
      answers: { 200: schemas.otpPair },
    },
    'POST /v1/auth/magic-link': {
      summary: 'Sends a link to sign in with',
      body: magicLinkRequest(),
      answers: { 200: done },
    },
    'GET /v1/auth/magic-link/callback': {
      summary: 'What a link leads to: asks',
      query: linkExchange(),
      answers: { 200: 'page', 303: 'redirect' },
    },
    'POST /v1/auth/magic-link/callback': {
      summary: 'The person confirms',
      body: confirmation(),
      answers: { 200: 'page', 303: 'redirect' },
    },
    'POST /v1/auth/magic-link/exchange': {
      summary: 'Makes a session of the code that an application was handed, or of a Supabase access token',
      by: ['token'],
      body: linkExchange(),
      answers: { 200: schemas.linkPair },
    },
    'POST /v1/auth/login': { summary: 'Signs in with a password', ...byPassword },
    'POST /v1/auth/signup': register,
    'POST /v1/auth/register': register,
    'POST /auth/cli-register': {
      summary: 'Signs up from a terminal',
      body: cliRegistration(),
      answers: { 200: z.union([schemas.cliSignUp, schemas.awaitsConfirmation]) },
    },
    'POST /mcp/auth': { summary: 'Signs an MCP client in with a password', ...byPassword },
    'GET /mcp/health': {
      summary: 'Whether this family is there; 401 for a credential that is presented and not valid',
      answers: { 200: health },
    },
    'POST /v1/auth/token/exchange': {
      summary: 'Makes a session of a Supabase access token',
      by: ['token'],
      body: exchange(),
      answers: { 200: schemas.pair },
    },
  },
}

const sessionUser = z.extend(schemas.user, { platform: z.string() })

export const sessions: Family = {
  tag: 'Account and sessions',
  description: 'The person behind a request, and where they are signed in.',
  dialect: 'api',
  operations: {
    'GET /v1/auth/me': { summary: 'Their profile', answers: { 200: schemas.profile } },
    'GET /v1/auth/session': {
      summary: 'Who they are, and how many sessions they have',

      answers: { 200: z.object({ user: sessionUser, sessions: z.int() }) },
    },
    'GET /v1/auth/session/check': {
      summary: 'Whether this browser is signed in; always 200',
      by: ['session'],
      open: true,
      answers: { 200: z.object({ authenticated: z.boolean(), user: z.nullable(schemas.user) }) },
    },
    'GET /v1/auth/sessions': {
      summary: 'Their sessions',

      answers: { 200: z.object({ sessions: z.array(schemas.session) }) },
    },
    'DELETE /v1/auth/sessions/:id': {
      summary: 'Ends one of them',

      answers: { 200: z.object({ success: z.literal(true), revoked: z.boolean() }) },
    },
    'POST /v1/auth/logout': {
      summary: 'Ends what the request proves to hold, and clears cookies',
      by: ['token', 'session'],
      open: true,
      answers: { 200: z.object({ success: z.literal(true), revoked: z.boolean() }) },
    },
    'POST /v1/auth/refresh': {
      summary: 'Refreshes a direct sign-in',
      by: ['token'],
      open: true,
      body: refreshBody(),
      answers: { 200: schemas.refreshed },
    },
    'GET /v1/auth/agents': {
      summary: 'Agents and applications that act for them',

      answers: { 200: schemas.agents },
    },
    'POST /v1/auth/agents': {
      summary: 'Lets an agent act for them, for a time',

      body: newAgent(),
      answers: { 201: z.looseObject({ id: z.uuid(), client_id: z.string(), expires_at: z.iso.datetime() }) },
    },
    'DELETE /v1/auth/agents/:id': { summary: 'Cuts an agent off', answers: { 200: anything } },
    'DELETE /v1/auth/applications': {
      summary: 'Takes the consent to an application back',

      query: z.object({ client_id: z.string() }),
      answers: { 200: anything },
    },
  },
}

const mapped = z.object({ success: z.literal(true), uai: z.uuid(), created: z.boolean(), linked: z.boolean() })

export const identities: Family = {
  tag: 'Identities',
  description: 'Vendor accounts and UAIs, for services that may read, link or merge them.',
  dialect: 'api',
  operations: {
    'POST /v1/auth/resolve/external': {
      summary: 'The UAI of a vendor’s account',
      body: account(),
      answers: { 200: z.object({ success: z.literal(true), uai: z.uuid(), authId: z.uuid() }) },
    },
    'POST /v1/auth/resolve/bulk': {
      summary: 'Up to 100 look-ups',
      body: bulk(),
      answers: { 200: z.object({ results: z.array(z.looseObject({ resolved_uai: z.nullable(z.uuid()) })) }) },
    },
    'POST /v1/auth/identities': {
      summary: 'Maps a vendor’s account to a UAI',
      body: mapping(),
      answers: { 200: mapped, 201: mapped },
    },
    'GET /v1/auth/identities/:uai': {
      summary: 'A person and their credentials',
      answers: { 200: z.looseObject({ uai: z.uuid(), status: z.string(), credentials: z.array(anything) }) },
    },
    'GET /v1/auth/identities/:uai/provenance': {
      summary: 'Who linked what, when, and by which proof',
      answers: { 200: z.object({ uai: z.uuid(), events: z.array(anything) }) },
    },
    'DELETE /v1/auth/identities/:uai/credentials/:id': {
      summary: 'Removes a credential',
      answers: { 200: done },
    },
    'POST /v1/auth/identities/merge': {
      summary: 'Makes one person of two that are both signed in',
      body: merging(),
      answers: { 200: z.object({ success: z.literal(true), uai: z.uuid(), merged_uai: z.uuid() }) },
    },
    'POST /v1/auth/identities/split': {
      summary: 'Undoes a wrong merge',
      body: splitting(),
      answers: { 200: z.object({ success: z.literal(true), uai: z.uuid() }) },
    },
  },
}

import * as z from 'zod/mini'
import { clientParameters } from '../../shared/oauth/token/client-auth.ts'
import { tokenParameters } from '../../shared/oauth/token/token-parameters.ts'
import {
  authorizeBody,
  codeQuery,
  denyBody,
  decisionForm as deviceDecision,
  revokeQuery,
  startBody,
  verifyBody,
} from '../functions/device.ts'
import { decisionForm } from '../functions/oauth-authorize.ts'
import { parameters as introspectParameters } from '../functions/oauth-introspect.ts'
import { parameters as logoutParameters } from '../functions/oauth-logout.ts'
import { parameters as pushed } from '../functions/oauth-par.ts'
import { rotateBody } from '../functions/oauth-register.ts'
import { parameters as grantParameters } from '../functions/oauth-token.ts'
import { form as userinfoForm } from '../functions/oauth-userinfo.ts'
import { anything, type Family, form, type Operation, page } from './operation.ts'
import * as schemas from './schemas.ts'

const userinfo: Operation = {
  summary: 'Claims about the person behind an access token (OpenID Connect Core section 5.3)',
  by: ['token'],
  answers: { 200: z.looseObject({ sub: schemas.subject }) },
}
const authorize: Operation = {
  summary: 'Asks a person for authorization (OAuth 2.1 section 4.1.1)',
  query: pushed(),
  answers: { 200: 'page', 302: 'redirect', 303: 'redirect' },
}
const byClient = { by: ['client'] as const satisfies Operation['by'], open: true }
const registered: Operation = {
  summary: 'A registered client (RFC 7592 section 2.1)',
  by: ['registrationToken'],
  answers: { 200: schemas.clientInformation },
}
const checked = z.union([
  z.object({ valid: z.literal(true), client_id: z.string() }),
  z.object({ valid: z.literal(false), error: z.string() }),
])
const sent = { success: z.literal(true), message: z.string() }

export const oauth: Family = {
  tag: 'OAuth 2.1 and OpenID Connect',
  description: 'Tokens for applications, services and agents.',
  dialect: 'oauth',
  operations: {
    'POST /oauth/token': {
      summary: 'Exchanges a code, refresh token, device code, assertion or token for tokens (OAuth 2.1 section 3.2)',
      body: grantParameters(),
      ...byClient,
      answers: { 200: schemas.tokenResponse },
    },
    'POST /oauth/introspect': {
      summary: 'What a token is good for (RFC 7662)',
      body: introspectParameters(),
      ...byClient,
      answers: { 200: [schemas.introspection, 'application/token-introspection+jwt'] },
    },
    'POST /oauth/revoke': {
      summary: 'Revokes a token and what came from it (RFC 7009)',
      body: tokenParameters(),
      ...byClient,
      answers: { 200: z.object({ revoked: z.boolean() }) },
    },
    'GET /oauth/userinfo': userinfo,
    'POST /oauth/userinfo': { ...userinfo, body: userinfoForm() },
    'POST /oauth/par': {
      summary: 'Pushes an authorization request (RFC 9126)',
      body: z.extend(pushed(), clientParameters()),
      ...byClient,
      answers: { 201: z.object({ request_uri: z.string(), expires_in: z.int() }) },
    },
    'POST /register': {
      summary: 'Registers a client (RFC 7591)',
      body: anything,
      answers: { 201: schemas.clientInformation },
    },
    'GET /register/:client_id': registered,
    'PUT /register/:client_id': {
      ...registered,
      summary: 'Replaces its metadata (RFC 7592 section 2.2)',
      body: anything,
    },
    'DELETE /register/:client_id': {
      ...registered,
      summary: 'Ends the client (RFC 7592 section 2.3)',
      answers: { 204: 'empty' },
    },
    'POST /register/:client_id/secret': { ...registered, summary: 'Rotates its secret', body: rotateBody() },
    'POST /oauth/device': {
      summary: 'Begins the sign-in of a device (RFC 8628 section 3.1)',
      body: startBody(),
      ...byClient,
      answers: { 200: schemas.deviceAuthorization },
    },
    'GET /oauth/device': page('The page where a person connects a device', codeQuery()),
    'POST /oauth/device/decision': form('Approves or denies it', deviceDecision()),
    'GET /oauth/device/check': {
      summary: 'Whether a user code can be used',
      query: codeQuery(),
      answers: { 200: checked, 400: checked, 404: checked },
    },
    'POST /oauth/device/verify': {
      summary: 'Sends the code that proves the address of the person',
      body: verifyBody(),
      answers: { 200: z.object({ ...sent, requires_otp: z.literal(true) }) },
    },
    'POST /oauth/device/authorize': {
      summary: 'Approves a device by that code',
      body: authorizeBody(),
      answers: { 200: z.object({ ...sent, user: z.object({ id: z.uuid(), email: z.string() }) }) },
    },
    'POST /oauth/device/deny': {
      summary: 'Denies a device',
      body: denyBody(),
      answers: { 200: z.object(sent) },
    },
    'GET /oauth/device/revoke': page('Where the notice of a connected device leads', revokeQuery()),
    'POST /oauth/device/revoke': form('Disconnects a device', revokeQuery()),
  },
}

export const oauthPages: Family = {
  tag: 'Authorization pages',
  description: 'Where browsers are sent.',
  dialect: 'page',
  operations: {
    'GET /oauth/authorize': authorize,
    'POST /oauth/authorize': { ...authorize, query: undefined, body: pushed() },
    'GET /oauth/consent': { summary: 'Says that consent is asked for on the way from an application', answers: {} },
    'POST /oauth/consent': form('The person’s answer to an application', decisionForm()),
    'GET /oauth/logout': page(
      'Signs out (OpenID Connect RP-Initiated Logout)',
      z.omit(logoutParameters(), { csrf: true }),
    ),
    'POST /oauth/logout': form('Signs out', logoutParameters()),
  },
}

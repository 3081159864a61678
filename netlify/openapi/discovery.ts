import * as z from 'zod/mini'
import { anything, done, type Family, type Operation } from './operation.ts'
import { keySet, resourceMetadata, serverMetadata } from './schemas.ts'

const server: Operation = {
  summary: 'What this server can do (RFC 8414, OpenID Connect Discovery)',
  answers: { 200: serverMetadata },
}
const resource: Operation = {
  summary: 'What a client must know to ask for tokens for a resource (RFC 9728)',
  query: z.object({ resource: z.optional(z.string()) }),
  answers: { 200: resourceMetadata },
}
const keys: Operation = { summary: 'The keys that tokens are signed with (RFC 7517)', answers: { 200: keySet } }

export const discovery: Family = {
  tag: 'Discovery',
  description: 'Documents for programs.',
  dialect: 'oauth',
  operations: {
    'GET /.well-known/oauth-authorization-server': server,
    'GET /.well-known/oauth-authorization-server/*': server,
    'GET /.well-known/openid-configuration': server,
    'GET /.well-known/openid-configuration/*': server,
    'GET /.well-known/oauth-protected-resource': resource,
    'GET /.well-known/oauth-protected-resource/*': resource,
    'GET /.well-known/jwks.json': keys,
    'GET /oauth/jwks.json': keys,
    'GET /.well-known/onasis.json': { summary: 'Where everything of the ecosystem is', answers: { 200: anything } },
    'GET /': { summary: 'The same, or the sign-in page for a browser', answers: { 200: anything, 302: 'redirect' } },
  },
}

export const reference: Family = {
  tag: 'Reference',
  description: 'What you are reading.',
  dialect: 'page',
  operations: {
    'GET /openapi.json': { summary: 'This document', answers: { 200: anything } },
    'GET /reference': { summary: 'The same for people', answers: { 200: 'page' } },
  },
}

const health = z.looseObject({ status: z.string(), service: z.literal('auth-gateway'), timestamp: z.iso.datetime() })

export const operation: Family = {
  tag: 'Operation',
  description: 'For load balancers, operators and webhooks.',
  dialect: 'api',
  operations: {
    'GET /health': {
      summary: 'Whether the process lives: 200, and 401 for a credential that is presented and not valid',
      answers: { 200: health },
    },
    'GET /ready': { summary: 'Whether requests can be served', answers: { 200: health, 503: health } },
    'POST /v1/delivery/resend': {
      summary: 'Resend tells what became of a mail',
      by: ['signature'],
      body: anything,
      answers: { 200: done },
    },
    'POST /v1/delivery/twilio': {
      summary: 'Twilio tells what became of a text message',
      query: z.object({ message: z.uuid() }),
      by: ['signature'],
      body: anything,
      answers: { 200: done },
    },
    'GET /v1/sync/health': {
      summary: 'Whether webhooks are taken here',
      answers: { 200: anything, 503: anything },
    },
    'POST /v1/sync/user': {
      summary: 'A user of the Supabase project was made, changed or deleted',
      by: ['signature'],
      body: anything,
      answers: { 200: anything },
    },
    'POST /v1/sync/api-key': {
      summary: 'An API key of the Supabase project was made, changed or ended',
      by: ['signature'],
      body: anything,
      answers: { 200: anything },
    },
    'POST /v1/sync/backfill-api-keys': {
      summary: 'Takes over up to 100 keys',
      by: ['signature'],
      body: anything,
      answers: { 200: anything },
    },
  },
}

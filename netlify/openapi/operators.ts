import * as z from 'zod/mini'
import { newApp } from '../functions/admin-api.ts'
import { request } from '../functions/operator-codes.ts'
import { anything, done, type Family, form, page } from './operation.ts'

const CODES = '/v1/auth/operator-codes'
const reason = z.object({ reason: z.string() })
const app = {
  app_id: z.string(),
  app_name: z.string(),
  client_id: z.string(),
  redirect_uris: z.array(z.string()),
  created_at: z.string(),
}
const made = z.looseObject({ id: z.uuid() })

export const operators: Family = {
  tag: 'Operators',
  description: 'What operators do for people, stepped up a short while ago; every act is an event with a reason.',
  dialect: 'api',
  operations: {
    [`GET ${CODES}`]: {
      summary: 'Codes that let people in who have lost everything else',
      answers: { 200: z.object({ codes: z.array(anything) }) },
    },
    [`POST ${CODES}`]: {
      summary: 'Asks for such a code',
      body: request(),
      answers: { 201: made },
    },
    [`POST ${CODES}/:id/approve`]: {
      summary: 'A second operator approves it',
      body: reason,
      answers: { 200: made },
    },
    'GET /admin/status': { summary: 'What there is', answers: { 200: anything } },
    'POST /admin/register-app': {
      summary: 'Registers a confidential application',
      body: newApp(),
      answers: { 201: z.object({ ...app, client_secret: z.optional(z.string()), message: z.string() }) },
    },
    'GET /admin/list-apps': {
      summary: 'Those applications',
      answers: { 200: z.object({ apps: z.array(z.extend(z.object(app), { status: z.string() })), total: z.int() }) },
    },
    'POST /admin/change-password': {
      summary: 'Mails the operator a link to choose a new password',
      answers: { 200: done },
    },
    'POST /admin/bypass-login': { summary: 'Always refused: no login bypasses checks', answers: {} },
    [`DELETE ${CODES}/:id`]: { summary: 'Takes it back', answers: { 200: done } },
  },
}

export const operatorPages: Family = {
  tag: 'Operator pages',
  description: 'The same for operators at their browser.',
  dialect: 'page',
  operations: {
    'GET /operator/codes': page('Codes for people who have lost everything else'),
    'POST /operator/codes': form('Asks for one'),
    'POST /operator/codes/approve': form('Approves one'),
    'POST /operator/codes/revoke': form('Takes one back'),
  },
}

import * as z from 'zod/mini'
import { checkpointsQuery, consistencyQuery, eventsQuery, exportQuery, inclusionQuery } from '../functions/audit.ts'
import { eraseOtherBody, eraseSelfBody } from '../functions/erasure.ts'
import { radiusBody, stateQuery } from '../functions/operators.ts'
import type { Family } from './operation.ts'

const event = z.looseObject({
  id: z.uuid(),
  position: z.number(),
  type: z.string(),
  stream: z.object({ type: z.string(), id: z.uuid(), version: z.number() }),
  subject: z.nullable(z.uuid()),
  recorded_at: z.iso.datetime(),
  actor: z.object({ type: z.string(), id: z.nullable(z.string()) }),
  data: z.looseObject({}),
  hash: z.string(),
})
const receipt = z.object({
  uai: z.uuid(),
  status: z.literal('erased'),
  erased_at: z.iso.datetime(),
  event_id: z.uuid(),
  event_hash: z.string(),
  keys_destroyed: z.number(),
  keys_left: z.number(),
  digests_left: z.number(),
  backups_forget_by: z.iso.datetime(),
})
const radius = z.object({
  origin: z.looseObject({ event: z.uuid(), type: z.string() }),
  people: z.array(z.object({ uai: z.uuid(), role: z.string(), organizations: z.array(z.uuid()) })),
  followed: z.array(z.looseObject({ kind: z.string(), id: z.uuid(), from: z.uuid(), live: z.boolean() })),
  acts: z.array(z.looseObject({ event: z.uuid(), type: z.string() })),
  dry_run: z.boolean(),
  revoked: z.number(),
})
const path = z.array(z.string())
const checkpoint = z.object({
  size: z.number(),
  root: z.string(),
  made_at: z.iso.datetime(),
  published_at: z.nullable(z.iso.datetime()),
  note: z.string(),
})

export const audit: Family = {
  tag: 'Audit',
  description: 'What happened, and proof that nothing of it was changed.',
  dialect: 'api',
  operations: {
    'GET /v1/audit/events': {
      summary: 'What happened to them',
      query: eventsQuery(),
      answers: { 200: z.object({ events: z.array(event), next_cursor: z.nullable(z.string()) }) },
    },
    'GET /v1/audit/export': {
      summary: 'The same, to be checked without us',
      query: exportQuery(),
      answers: { 200: 'application/x-ndjson' },
    },
    'POST /v1/auth/me/erase': {
      summary: 'Erases whoever asks, for good',
      body: eraseSelfBody(),
      answers: { 200: receipt },
    },
    'POST /v1/operators/people/:uai/erase': {
      summary: 'Erases a person whom the operator answers for, for good',
      body: eraseOtherBody(),
      answers: { 200: receipt },
    },
    'POST /v1/operators/blast-radius': {
      summary: 'What followed from a credential or event; revokes it all when dry_run is false',
      body: radiusBody(),
      answers: { 200: radius },
    },
    'GET /v1/operators/state': {
      summary: 'What a person could do at a time',
      query: stateQuery(),
      answers: {
        200: z.object({ at: z.string(), people: z.array(z.looseObject({ uai: z.uuid(), status: z.string() })) }),
      },
    },
    'GET /v1/audit/checkpoints': {
      summary: 'Signed roots of the tree over all events, newest first',
      query: checkpointsQuery(),
      answers: {
        200: z.object({ origin: z.string(), verifier_key: z.string(), checkpoints: z.array(checkpoint) }),
      },
    },
    'GET /v1/audit/checkpoint': { summary: 'The newest one as it was signed', answers: { 200: 'text/plain' } },
    'GET /v1/audit/consistency': {
      summary: 'That an older tree is the beginning of a newer one (RFC 9162 section 2.1.4)',
      query: consistencyQuery(),
      answers: { 200: z.object({ from: z.number(), to: z.number(), path, note: z.string() }) },
    },
    'GET /v1/audit/inclusion': {
      summary: 'That an event is in the tree of the newest checkpoint (RFC 9162 section 2.1.3)',
      query: inclusionQuery(),
      answers: {
        200: z.object({
          event: z.uuid(),
          position: z.number(),
          hash: z.string(),
          index: z.number(),
          size: z.number(),
          path,
          note: z.string(),
        }),
      },
    },
  },
}

import * as z from 'zod/mini'
import { keyChangesBody, newKeyBody, serviceScopesBody } from '../../shared/api-keys/api-key-input.ts'
import { newProjectBody, projectChangesBody } from '../../shared/api-keys/projects.ts'
import { newStoredKeyBody, storedKeyChangesBody } from '../../shared/api-keys/stored-keys.ts'
import { listQuery, reasonBody, rotateBody, storedKeyBody } from '../functions/api-keys.ts'
import { report } from '../functions/keys-leaked.ts'
import { anything, done, type Family, type Operation } from './operation.ts'
import { apiKey, apiKeyWithSecret, project, storedKey } from './schemas.ts'

const BASE = '/v1/auth/api-keys'
const PROJECTS = '/v1/projects'
const STORED = `${PROJECTS}/:projectId/api-keys` as const

const wrapped = <Schema extends z.core.$ZodType>(data: Schema) =>
  z.object({ success: z.literal(true), data, message: z.optional(z.string()), notes: z.optional(z.array(z.string())) })
/** Under the addresses of API keys stand stored keys of projects too, which come unwrapped. */
const either = (data: z.core.$ZodType) => z.union([wrapped(data), storedKey])

const create: Operation = {
  summary: 'Creates an API key; with value and projectId, keeps a secret in a project',
  body: z.union([newKeyBody(), storedKeyBody()]),
  answers: { 201: either(apiKeyWithSecret) },
}
const change: Operation = {
  summary: 'Changes a key',
  body: z.union([keyChangesBody(), storedKeyChangesBody()]),
  answers: { 200: either(apiKey) },
}
const scopes: Operation = {
  summary: 'Sets the services a key is for',
  body: serviceScopesBody(),
  answers: { 200: wrapped(apiKey) },
}

export const apiKeys: Family = {
  tag: 'API keys',
  description: 'Keys of a person or an organization.',
  dialect: 'api',
  operations: {
    [`GET ${BASE}`]: {
      summary: 'Lists keys; with projectId, the stored keys of a project',
      query: listQuery(),
      answers: { 200: wrapped(z.array(z.union([apiKey, storedKey]))) },
    },
    [`POST ${BASE}`]: create,
    [`POST ${BASE}/with-services`]: { ...create, summary: 'Creates an API key for some services' },
    [`GET ${BASE}/services/configured`]: {
      summary: 'The services a key can be for',
      answers: { 200: wrapped(z.array(z.looseObject({ service_key: z.string() }))) },
    },
    [`GET ${BASE}/:id`]: { summary: 'One key', answers: { 200: either(apiKey) } },
    [`PUT ${BASE}/:id`]: change,
    [`PATCH ${BASE}/:id`]: change,
    [`PUT ${BASE}/:id/service-scopes`]: scopes,
    [`PATCH ${BASE}/:id/service-scopes`]: scopes,
    [`POST ${BASE}/:id/rotate`]: {
      summary: 'A new secret under the same id',
      body: z.union([rotateBody(), storedKeyChangesBody()]),
      answers: { 200: either(apiKeyWithSecret) },
    },
    [`POST ${BASE}/:id/revoke`]: { summary: 'Stops a key', body: reasonBody(), answers: { 200: done } },
    [`DELETE ${BASE}/:id`]: { summary: 'Deletes a key', body: reasonBody(), answers: { 200: done } },
    [`GET ${BASE}/:id/history`]: {
      summary: 'Who did what to it, and why',
      answers: { 200: wrapped(z.array(anything)) },
    },
    [`GET ${BASE}/:id/usage`]: {
      summary: 'Uses by day, the last 90 days',
      answers: { 200: wrapped(z.array(z.object({ day: z.string(), uses: z.int() }))) },
    },
    'POST /v1/keys/leaked': {
      summary: 'A secret scanner reports keys that it found in public',
      by: ['signature'],
      body: report(),
      answers: {
        200: z.array(z.object({ token_hash: z.string(), token_type: z.string(), label: z.string() })),
      },
    },
  },
}

const changeProject: Operation = {
  summary: 'Changes a project',
  body: projectChangesBody(),
  answers: { 200: project },
}
const changeStored: Operation = {
  summary: 'Changes or replaces a stored key',
  body: storedKeyChangesBody(),
  answers: { 200: storedKey },
}

export const projects: Family = {
  tag: 'Projects',
  description: 'Projects, and secrets of other services kept in them.',
  dialect: 'api',
  operations: {
    [`GET ${PROJECTS}`]: { summary: 'Lists projects', answers: { 200: z.array(project) } },
    [`POST ${PROJECTS}`]: {
      summary: 'Creates a project',
      body: newProjectBody(),
      answers: { 201: project },
    },
    [`GET ${PROJECTS}/:projectId`]: { summary: 'One project', answers: { 200: project } },
    [`PUT ${PROJECTS}/:projectId`]: changeProject,
    [`PATCH ${PROJECTS}/:projectId`]: changeProject,
    [`DELETE ${PROJECTS}/:projectId`]: { summary: 'Deletes a project', answers: { 200: done } },
    [`GET ${STORED}`]: { summary: 'Lists its stored keys', answers: { 200: z.array(storedKey) } },
    [`POST ${STORED}`]: {
      summary: 'Keeps a secret',
      body: newStoredKeyBody(),
      answers: { 201: storedKey },
    },
    [`GET ${STORED}/:keyId`]: { summary: 'One stored key', answers: { 200: storedKey } },
    [`PUT ${STORED}/:keyId`]: changeStored,
    [`PATCH ${STORED}/:keyId`]: changeStored,
    [`DELETE ${STORED}/:keyId`]: { summary: 'Removes it', answers: { 200: done } },
  },
}

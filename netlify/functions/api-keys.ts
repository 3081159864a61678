import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { everyday } from '../../shared/access/authorities.ts'
import { demandScope } from '../../shared/access/authority.ts'
import { SERVICES } from '../../shared/access/service-catalogue.ts'
import {
  keyChangesBody,
  newKeyBody,
  readServices,
  reason,
  serviceScopesBody,
} from '../../shared/api-keys/api-key-input.ts'
import { describeHistory, describeKey } from '../../shared/api-keys/api-key-record.ts'
import {
  createApiKey,
  deleteApiKey,
  ownersOf,
  ownKey,
  revokeApiKey,
  rotateApiKey,
  updateApiKey,
  updateServices,
  type WithSecret,
} from '../../shared/api-keys/api-keys.ts'
import {
  createStoredKey,
  describeStoredKey,
  newStoredKeyBody,
  removeStoredKey,
  storedKeyChangesBody,
  storedKeyOf,
  storedKeysOf,
  updateStoredKey,
} from '../../shared/api-keys/stored-keys.ts'
import { MAX_GRACE_SECONDS } from '../../shared/domain/api-key.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { anything, done, type Operation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { listKeyHistory, listKeys, listKeyUsage } from '../../shared/queries/api-keys.ts'
import { requireUuid } from '../../shared/typed/fields.ts'
import * as keySchemas from '../openapi/key-schemas.ts'

const BASE = '/v1/auth/api-keys'
const app = createApp('api', { tag: 'API keys' })

const reading = everyday({ scope: 'api-keys:read', namesPeople: true, missing: 'auth_required' })
const writing = everyday({ scope: 'api-keys:write', namesPeople: true, missing: 'auth_required' })

/** Returns the key in the path if the principal may see it. @throws GatewayError key_not_found */
async function targetOf(c: AppContext, principal: PersonPrincipal) {
  const id = requireUuid(c.req.param('id'), 'key_not_found')
  return { principal, record: await ownKey(gateway(), principal, id) }
}

/**
 * Returns the key in the path, or a stored key of a project, which the editor extension keeps at the same address and expects
 * unwrapped (docs/wire-contract.md 5.3).
 */
async function eitherOf(c: AppContext, principal: PersonPrincipal) {
  try {
    return { target: await targetOf(c, principal) }
  } catch (error) {
    if (!(error instanceof GatewayError) || error.refusal !== 'key_not_found') throw error
    const seen = { call: c.var.call, principal }
    const counts = c.req.method === 'GET'
    const stored = await storedKeyOf(seen, c.req.param('id') ?? '', { counts }).catch(() => undefined)
    if (!stored) throw error
    demandScope(principal, counts ? 'secrets:read' : 'secrets:write')
    return { seen, stored }
  }
}

/** Notes for the caller about how the request was applied; omitted if there are none. */
const noted = (notes: string[]) => (notes.length > 0 ? { notes } : {})

const shown = (c: AppContext, { record, secret, notes }: WithSecret, message: string, status: 200 | 201) =>
  c.json(
    { success: true, data: { ...describeKey(record, c.var.call.now()), key: secret }, message, ...noted(notes) },
    status,
  )

const listQuery = once(() => z.object({ active_only: z.optional(z.string()), projectId: z.optional(z.string()) }))

const wrapped = <Schema extends z.core.$ZodType>(data: Schema) =>
  z.object({ success: z.literal(true), data, message: z.optional(z.string()), notes: z.optional(z.array(z.string())) })

app.route('GET', BASE, {
  authority: reading,
  operation: {
    summary: 'Lists keys; with projectId, the stored keys of a project',
    query: listQuery,
    answers: { 200: () => wrapped(z.array(z.union([keySchemas.apiKey(), keySchemas.storedKey()]))) },
  },
})(async (c, principal) => {
  const { active_only, projectId } = readQuery(c, listQuery())
  if (projectId) {
    demandScope(principal, 'secrets:read')
    const stored = await storedKeysOf({ call: c.var.call, principal }, projectId)
    return c.json({ success: true, data: stored.map(describeStoredKey) })
  }
  const { reads, personal } = gateway()
  const records = await listKeys(reads, personal, { owners: ownersOf(principal), activeOnly: active_only !== 'false' })
  return c.json({ success: true, data: records.map((record) => describeKey(record, c.var.call.now())) })
})

/** The editor extension stores project secrets at the same address; `value` and `projectId` mark them. */
const storedKeyBody = once(() =>
  z.extend(newStoredKeyBody(), { projectId: z.optional(z.string().check(z.maxLength(100))) }),
)

async function create(c: AppContext, principal: PersonPrincipal) {
  const kind = await readBody(c, z.object({ value: z.optional(z.unknown()), projectId: z.optional(z.unknown()) }))
  if (kind.value !== undefined && kind.projectId !== undefined) {
    demandScope(principal, 'secrets:write')
    const { projectId = '', ...given } = await readBody(c, storedKeyBody())
    const made = await createStoredKey({ call: c.var.call, principal }, projectId, given)
    return c.json(describeStoredKey(made), 201)
  }
  const made = await createApiKey(c.var.call, principal, await readBody(c, newKeyBody()))
  return shown(c, made, 'The key is shown only once. Store it in a safe place.', 201)
}

/** The addresses of API keys also serve stored keys of projects, which are not wrapped. */
const either = (data: z.core.$ZodType) => z.union([wrapped(data), keySchemas.storedKey()])
const creation: Operation = {
  summary: 'Creates an API key; with value and projectId, stores a secret in a project',
  body: () => z.union([newKeyBody(), storedKeyBody()]),
  answers: { 201: () => either(keySchemas.apiKeyWithSecret()) },
}

app.route('POST', BASE, { authority: writing, operation: creation })(create)
app.route('POST', `${BASE}/with-services`, {
  authority: writing,
  operation: { ...creation, summary: 'Creates an API key for selected services' },
})(create)

app.route('GET', `${BASE}/services/configured`, {
  authority: reading,
  operation: {
    summary: 'Lists the services that a key can be limited to',
    answers: { 200: () => wrapped(z.array(z.looseObject({ service_key: z.string() }))) },
  },
})(async (c) => {
  const data = SERVICES.map(({ service_key, display_name, category }) => ({ service_key, display_name, category }))
  return c.json({ success: true, data: data.map((service) => ({ ...service, is_enabled: true })) })
})

app.route('GET', `${BASE}/:id`, {
  authority: reading,
  operation: { summary: 'Returns a key', answers: { 200: () => either(keySchemas.apiKey()) } },
})(async (c, principal) => {
  const { target, stored } = await eitherOf(c, principal)
  return c.json(
    stored ? describeStoredKey(stored) : { success: true, data: describeKey(target.record, c.var.call.now()) },
  )
})

app.route(['PUT', 'PATCH'], `${BASE}/:id`, {
  authority: writing,
  operation: {
    summary: 'Updates a key',
    body: () => z.union([keyChangesBody(), storedKeyChangesBody()]),
    answers: { 200: () => either(keySchemas.apiKey()) },
  },
})(async (c, principal) => {
  const { target, seen, stored } = await eitherOf(c, principal)
  if (stored)
    return c.json(describeStoredKey(await updateStoredKey(seen, stored, await readBody(c, storedKeyChangesBody()))))
  const { record, notes } = await updateApiKey(c.var.call, target, await readBody(c, keyChangesBody()))
  return c.json({ success: true, data: describeKey(record, c.var.call.now()), ...noted(notes) })
})

app.route(['PUT', 'PATCH'], `${BASE}/:id/service-scopes`, {
  authority: writing,
  operation: {
    summary: 'Sets the services of a key',
    body: serviceScopesBody,
    answers: { 200: () => wrapped(keySchemas.apiKey()) },
  },
})(async (c, principal) => {
  const target = await targetOf(c, principal)
  const { service_keys, ...limits } = await readBody(c, serviceScopesBody())
  const record = await updateServices(c.var.call, target, readServices(service_keys, limits))
  return c.json({
    success: true,
    data: describeKey(record, c.var.call.now()),
    message: 'The services of the key were updated.',
  })
})

const rotateBody = once(() =>
  z.object({
    grace_seconds: z.optional(z.coerce.number().check(z.int(), z.minimum(0), z.maximum(MAX_GRACE_SECONDS))),
    reason: reason(),
  }),
)

app.route('POST', `${BASE}/:id/rotate`, {
  authority: writing,
  operation: {
    summary: 'Rotates a key: a new secret under the same id',
    body: () => z.union([rotateBody(), storedKeyChangesBody()]),
    answers: { 200: () => either(keySchemas.apiKeyWithSecret()) },
  },
})(async (c, principal) => {
  const arrivedAt = gateway().now()
  const { target, seen, stored } = await eitherOf(c, principal)
  if (stored) {
    const given = await readBody(c, storedKeyChangesBody())
    if (!given.value && !given.encryptedValue)
      throw new GatewayError('invalid_value', {
        description: 'To rotate a stored key, send its new value as value or encryptedValue.',
      })
    return c.json(describeStoredKey(await updateStoredKey(seen, stored, given)))
  }
  const { grace_seconds: graceSeconds = 0, reason: why } = await readBody(c, rotateBody())
  const made = await rotateApiKey(c.var.call, target, { graceSeconds, reason: why, arrivedAt })
  const message = graceSeconds > 0 ? 'The old key works until the grace time ends.' : 'The old key no longer works.'
  return shown(c, made, `${message} The new key is shown only once.`, 200)
})

const reasonBody = once(() => z.object({ reason: reason() }))
const reasonOf = async (c: AppContext) => (await readBody(c, reasonBody())).reason ?? 'owner'

app.route('POST', `${BASE}/:id/revoke`, {
  authority: writing,
  operation: { summary: 'Revokes a key', body: reasonBody, answers: { 200: done } },
})(async (c, principal) => {
  await revokeApiKey(c.var.call, await targetOf(c, principal), await reasonOf(c))
  return c.json({ success: true, message: 'The key no longer works.' })
})

app.route('DELETE', `${BASE}/:id`, {
  authority: writing,
  operation: { summary: 'Deletes a key', body: reasonBody, answers: { 200: done } },
})(async (c, principal) => {
  const { target, seen, stored } = await eitherOf(c, principal)
  if (stored) await removeStoredKey(seen, stored)
  else await deleteApiKey(c.var.call, target, await reasonOf(c))
  return c.json({ success: true, message: 'The key was deleted.' })
})

app.route('GET', `${BASE}/:id/history`, {
  authority: reading,
  operation: { summary: 'Lists the changes to a key', answers: { 200: () => wrapped(z.array(anything())) } },
})(async (c, principal) => {
  const { record } = await targetOf(c, principal)
  const history = await listKeyHistory(gateway().reads, record.id)
  return c.json({ success: true, data: history.map(describeHistory) })
})

app.route('GET', `${BASE}/:id/usage`, {
  authority: reading,
  operation: {
    summary: 'Returns the uses of a key by day for the last 90 days',
    answers: { 200: () => wrapped(z.array(z.object({ day: z.string(), uses: z.int() }))) },
  },
})(async (c, principal) => {
  const { record } = await targetOf(c, principal)
  return c.json({ success: true, data: await listKeyUsage(gateway().reads, record.id, 90) })
})

export default serve(app)

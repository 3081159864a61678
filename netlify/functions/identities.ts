import * as z from 'zod/mini'
import { everydayOwner, ownerOrService, sensitive, service } from '../../shared/access/authorities.ts'
import { actAs, commitAs } from '../../shared/access/authority.ts'
import { GatewayError } from '../../shared/errors.ts'
import { commit, type Work } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { anything, done } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { externalLookup } from '../../shared/people/external-account.ts'
import { notifyFactorChange } from '../../shared/people/factor-notices.ts'
import { mapVendorAccount, mergeIdentities, refuseStranding, splitIdentity } from '../../shared/people/identities.ts'
import { identityAsked, provenBy } from '../../shared/people/identity-callers.ts'
import { removeSignInMethod } from '../../shared/people/sign-in-methods.ts'
import { listCredentials } from '../../shared/queries/credentials.ts'
import { listProvenance, resolveMany } from '../../shared/queries/identities.ts'
import { requireUuid, statedEmail } from '../../shared/typed/fields.ts'

const MOST = 100
const app = createApp('api', { tag: 'Identities' })

const readers = ownerOrService(everydayOwner, 'identities:read')

const provider = once(() => z.string().check(z.trim(), z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'invalid_request')))
const external_id = once(() => z.string().check(z.minLength(1), z.maxLength(500)))
const uuid = once(() => z.uuid('invalid_request'))
const token = once(() => z.string().check(z.maxLength(8000)))

const account = once(() => z.object({ provider: provider(), external_id: external_id() }))

app.route('POST', '/v1/auth/resolve/external', {
  authority: service('identities:read'),
  operation: {
    summary: 'Returns the UAI of a vendor account',
    body: account,
    answers: { 200: () => z.object({ success: z.literal(true), uai: z.uuid(), authId: z.uuid() }) },
  },
})(async (c) => {
  const asked = await readBody(c, account())
  const digest = gateway().personal.digest(externalLookup(asked.provider, asked.external_id))
  const [uai] = await resolveMany(gateway().reads, [{ digest }])
  if (!uai) throw new GatewayError('not_found')
  return c.json({ success: true, uai, authId: uai })
})

const bulk = once(() =>
  z.object({
    items: z.array(z.union([account(), z.object({ uai: uuid() })])).check(z.minLength(1), z.maxLength(MOST)),
  }),
)

/** Resolves up to 100 items in one statement; unknown ones are null. */
app.route('POST', '/v1/auth/resolve/bulk', {
  authority: service('identities:read'),
  operation: {
    summary: 'Resolves up to 100 vendor accounts or UAIs',
    body: bulk,
    answers: { 200: () => z.object({ results: z.array(z.looseObject({ resolved_uai: z.nullable(z.uuid()) })) }) },
  },
})(async (c) => {
  const { items } = await readBody(c, bulk())
  const { personal, reads } = gateway()
  const asked = items.map((item) =>
    'uai' in item ? { uai: item.uai } : { digest: personal.digest(externalLookup(item.provider, item.external_id)) },
  )
  const resolved = await resolveMany(reads, asked)
  return c.json({ results: items.map((item, n) => ({ ...item, resolved_uai: resolved[n] ?? null })) })
})

const mapping = once(() =>
  z.object({
    provider: provider(),
    external_id: external_id(),
    email: z.optional(statedEmail()),
    name: z.optional(z.string().check(z.maxLength(200))),
    subject_token: z.optional(token()),
  }),
)

const mapped = () => z.object({ success: z.literal(true), uai: z.uuid(), created: z.boolean(), linked: z.boolean() })

/** Maps a vendor account to its UAI, to that of the person whose token is sent along, or to a new one. */
app.route('POST', '/v1/auth/identities', {
  authority: service('identities:link'),
  operation: { summary: 'Maps a vendor account to a UAI', body: mapping, answers: { 200: mapped, 201: mapped } },
})(async (c, service) => {
  const { subject_token, ...given } = await readBody(c, mapping())
  const proven = subject_token === undefined ? undefined : await provenBy(gateway(), subject_token)
  const vendorAccount = { ...given, ...(proven && { person: proven.person, sessionId: proven.session.id }) }
  const assertedBy = service.client.client_id
  const { uai, created, linked } = await mapVendorAccount(c.var.call, { ...vendorAccount, assertedBy }, (work) =>
    actAs(work, service),
  )
  return c.json({ success: true, uai, created, linked }, created ? 201 : 200)
})

app.route('GET', '/v1/auth/identities/:uai', {
  authority: readers,
  operation: {
    summary: 'Returns a person and their credentials',
    answers: { 200: () => z.looseObject({ uai: z.uuid(), status: z.string(), credentials: z.array(anything()) }) },
  },
})(async (c, principal) => {
  const person = await identityAsked(gateway(), principal, c.req.param('uai'))
  const credentials = await listCredentials(gateway().reads, gateway().personal, person)
  return c.json({
    uai: person.uai,
    status: person.active ? 'active' : 'suspended',
    organization_id: person.organizationId,
    merged_uais: person.members.filter((one) => one !== person.uai),
    credentials: credentials.map(({ id, uai, kind, provider, address, verified, usable, evidence, linkedAt }) => ({
      ...{ id, uai, kind, provider, verified, usable, evidence },
      ...(principal.kind === 'person' && { address }),
      linked_at: linkedAt,
    })),
  })
})

/** Lists who linked which credential, when, and with which evidence. */
app.route('GET', '/v1/auth/identities/:uai/provenance', {
  authority: readers,
  operation: {
    summary: 'Lists who linked which credential, when, and with which evidence',
    answers: { 200: () => z.object({ uai: z.uuid(), events: z.array(anything()) }) },
  },
})(async (c, principal) => {
  const person = await identityAsked(gateway(), principal, c.req.param('uai'))
  return c.json({ uai: person.uai, events: await listProvenance(gateway().reads, person.members) })
})

app.route('DELETE', '/v1/auth/identities/:uai/credentials/:id', {
  authority: ownerOrService(sensitive('every caller'), 'identities:link'),
  operation: { summary: 'Removes a credential', answers: { 200: done } },
})(async (c, principal) => {
  const { uai } = c.req.param()
  const id = requireUuid(c.req.param('id'))
  const person = await identityAsked(gateway(), principal, uai)
  if (principal.kind === 'service') {
    const all = await listCredentials(gateway().reads, gateway().personal, person)
    const isTheirs = all.find((one) => one.id === id)?.evidence.assertedBy === principal.client.client_id
    if (!isTheirs) throw new GatewayError('not_found')
  }
  const act = (work: Work) => actAs(work, principal)
  await removeSignInMethod(c.var.call, { person, credentialId: id, reason: principal.kind, act })
  return c.json({ success: true })
})

const merging = once(() => z.object({ retired_token: token() }))

/** Merges a second person, proven by a token of a recent sign-in, into the caller. Both are notified. */
app.route('POST', '/v1/auth/identities/merge', {
  authority: sensitive('every caller'),
  operation: {
    summary: 'Merges two people who are both signed in',
    body: merging,
    answers: { 200: () => z.object({ success: z.literal(true), uai: z.uuid(), merged_uai: z.uuid() }) },
  },
})(async (c, survivor) => {
  const { retired_token } = await readBody(c, merging())
  const retired = await provenBy(gateway(), retired_token)
  await commitAs(c.var.call, survivor, async (work) => {
    work.limits = gateway().limiter.of('merge', survivor.person.uai)
    const evidence = { method: 'both_signed_in', sessionId: retired.session.id }
    await mergeIdentities(work, { survivor: survivor.person, retired: retired.person, evidence })
    for (const { person } of [survivor, retired])
      notifyFactorChange(c.var.call, work, { person, kind: 'identities_merged' })
  })
  return c.json({ success: true, uai: survivor.person.uai, merged_uai: retired.person.uai })
})

const splitting = once(() => z.object({ uai: uuid(), reason: z.optional(z.string().check(z.maxLength(500))) }))

/** Undoes a merge: for the person, recently authenticated, or for a service with the scope. */
app.route('POST', '/v1/auth/identities/split', {
  authority: ownerOrService(sensitive('every caller'), 'identities:merge'),
  operation: {
    summary: 'Undoes a merge',
    body: splitting,
    answers: { 200: () => z.object({ success: z.literal(true), uai: z.uuid() }) },
  },
})(async (c, principal) => {
  const { uai, reason = 'wrong merge' } = await readBody(c, splitting())
  if (principal.kind === 'person') await identityAsked(gateway(), principal, uai)
  await commit(c.var.call, async (work) => {
    actAs(work, principal)
    await refuseStranding(gateway(), work, uai)
    await splitIdentity(work, { uai, reason })
  })
  return c.json({ success: true, uai })
})

export default serve(app)

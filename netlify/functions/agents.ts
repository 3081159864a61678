import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { everydayOwner, sensitive } from '../../shared/access/authorities.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { anything, doneQuery, formOperation, pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import {
  delegateToAgent,
  MOST_DAYS,
  mayDelegate,
  revokeAgent,
  revokeApplication,
} from '../../shared/oauth/clients/agents.ts'
import { parseScope } from '../../shared/oauth/token/scope.ts'
import { once } from '../../shared/once.ts'
import { type Access, listApplications, listDelegations } from '../../shared/queries/agent-delegations.ts'
import { requireUuid } from '../../shared/typed/fields.ts'
import * as schemas from '../openapi/schemas.ts'
import { accountForm, expiredButton, formOf } from '../pages/account-forms.ts'
import { AgentFormPage, type AgentFormValues, AgentsPage, words } from '../pages/agents.tsx'
import { SCOPE_GROUPS } from '../pages/api-key-parts.tsx'
import type { Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { page } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const BASE = '/account/agents'
const app = createFormApp('Account and sessions', 'api')

const accessOf = ({ id, client_id, client_name, scopes, resources, since, last_used_at, expires_at }: Access) => ({
  id,
  client_id,
  name: client_name,
  scopes,
  resources,
  created_at: since,
  last_used_at,
  expires_at,
})

app.route('GET', '/v1/auth/agents', {
  authority: everydayOwner,
  operation: { summary: 'Lists agents and applications that act for the caller', answers: { 200: schemas.agents } },
})(async (c, { person }) => {
  const { reads } = gateway()
  const [agents, applications] = [await listDelegations(reads, person), await listApplications(reads, person)]
  return c.json({
    agents: agents.map(accessOf),
    applications: applications.map((one) => ({ ...accessOf(one), first_party: one.first_party })),
  })
})

const text = once(() => z.string().check(z.maxLength(2000)))
const newAgent = once(() =>
  z.object({
    client_id: z.string().check(z.minLength(3), z.maxLength(2000)),
    scopes: z.optional(z.array(z.string().check(z.maxLength(200))).check(z.maxLength(50))),
    scope: z.optional(text()),
    resources: z.optional(z.array(text()).check(z.maxLength(10))),
    expires_in_days: z.prefault(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(MOST_DAYS)), 30),
  }),
)

/** Delegates to an agent for a limited time. The agent gets tokens at the token endpoint, by the delegation id (RFC 8693). */
app.route('POST', '/v1/auth/agents', {
  authority: sensitive('tokens'),
  operation: {
    summary: 'Delegates to an agent for a limited time',
    body: newAgent,
    answers: { 201: () => z.looseObject({ id: z.uuid(), client_id: z.string(), expires_at: z.iso.datetime() }) },
  },
})(async (c, owner) => {
  const body = await readBody(c, newAgent())
  const made = await delegateToAgent(c.var.call, owner, {
    client_id: body.client_id,
    scopes: body.scopes ?? parseScope(body.scope ?? '') ?? [],
    resources: body.resources,
    days: body.expires_in_days,
  })
  const { id, client, scopes, resources, expiresAt } = made
  const delegation = { id, client_id: client.client_id, name: client.metadata.client_name, scopes, resources }
  return c.json({ ...delegation, expires_at: expiresAt }, 201)
})

app.route('DELETE', '/v1/auth/agents/:id', {
  authority: sensitive('tokens'),
  operation: { summary: 'Revokes an agent', answers: { 200: anything } },
})(async (c, owner) => {
  const id = requireUuid(c.req.param('id'))
  return c.json({ success: true, revoked: await revokeAgent(c.var.call, owner, id) })
})

app.route('DELETE', '/v1/auth/applications', {
  authority: sensitive('tokens'),
  operation: {
    summary: 'Revokes the consent to an application',
    query: () => z.object({ client_id: z.string() }),
    answers: { 200: anything },
  },
})(async (c, owner) => {
  const { client_id } = readQuery(c, z.object({ client_id: text() }))
  return c.json({ success: true, revoked: await revokeApplication(c.var.call, owner, client_id) })
})

const NOTICES: Record<string, string> = words.done

app.route('GET', BASE, {
  authority: page(BASE),
  operation: { tag: 'Account pages', ...pageOperation('Lists the agents and applications of the person', doneQuery) },
})(async (c, principal) => {
  const { reads } = gateway()
  const { person } = principal
  const { done = '' } = readQuery(c, doneQuery())
  const [agents, applications] = [await listDelegations(reads, person), await listApplications(reads, person)]
  const form = formOf(c, principal)
  return renderPage(
    AgentsPage({ base: BASE, ...form, agents, applications, now: c.var.call.now(), notice: NOTICES[done] }),
  )
})

function formPage(
  c: AppContext,
  principal: PersonPrincipal,
  values: AgentFormValues,
  { error, status }: Partial<Shown> = {},
): Response {
  const scopes = SCOPE_GROUPS.flatMap((group) => group.scopes).filter((one) => mayDelegate(principal.person, one))
  const page = AgentFormPage({ action: BASE, ...formOf(c, principal), scopes, values, error })
  return renderPage(page, { status })
}

app.route('GET', `${BASE}/new`, {
  authority: page(BASE),
  operation: { tag: 'Account pages', ...pageOperation('Shows the form to delegate to an agent') },
})((c, principal) => formPage(c, principal, { scopes: ['memories:read'], days: '30' }))

const agentForm = once(() =>
  z.object({
    client_id: z.prefault(text(), ''),
    scope: z.optional(z.array(z.string().check(z.maxLength(200)))),
    days: z.enum(['1', '7', '30', '90'], 'invalid_request'),
  }),
)

app.route('POST', BASE, {
  authority: page(BASE),
  operation: { tag: 'Account pages', ...formOperation('Delegates to an agent') },
})((c, principal) =>
  accountForm(c, principal, {
    schema: agentForm(),
    repeatable: ['scope'],
    render: (shown) => {
      const { client_id: clientId, days = '30' } = shown.typed
      return formPage(c, principal, { clientId, scopes: shown.chosen?.('scope') ?? [], days }, shown)
    },
    once: () => c.redirect(BASE, 303),
    act: async ({ client_id, scope: scopes = [], days }) => {
      await delegateToAgent(c.var.call, principal, { client_id: client_id.trim(), scopes, days: Number(days) })
      return c.redirect(`${BASE}?done=delegated`, 303)
    },
  }),
)

const revocationForm = once(() =>
  z.object({
    agent: z.optional(z.uuid('not_found')),
    client_id: z.optional(text()),
  }),
)

app.route('POST', `${BASE}/cut-off`, {
  authority: page(BASE),
  operation: { tag: 'Account pages', ...formOperation('Revokes an agent or application') },
})((c, principal) => {
  const leave = () => c.redirect(`${BASE}?done=cut`, 303)
  return accountForm(c, principal, {
    schema: revocationForm(),
    restart: () => expiredButton(BASE),
    once: leave,
    act: async ({ agent, client_id = '' }) => {
      if (agent) await revokeAgent(c.var.call, principal, agent)
      else await revokeApplication(c.var.call, principal, client_id)
      return leave()
    },
  })
})

export default serve(app)

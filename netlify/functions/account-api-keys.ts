import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { MINIMAL_SCOPES, type NewKey, newKeyBody } from '../../shared/api-keys/api-key-input.ts'
import {
  createApiKey,
  deleteApiKey,
  ownersOf,
  ownKey,
  revokeApiKey,
  rotateApiKey,
} from '../../shared/api-keys/api-keys.ts'
import { mayHold } from '../../shared/domain/scopes.ts'
import { GatewayError, type Refusal } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { doneQuery, formOperation, pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { type ApiKeyRecord, listKeyHistory, listKeys, listKeyUsage } from '../../shared/queries/api-keys.ts'
import { requireUuid } from '../../shared/typed/fields.ts'
import { accountForm, formOf } from '../pages/account-forms.ts'
import { ApiKeyPage } from '../pages/api-key.tsx'
import { ApiKeyShownPage, EndKeyPage, RotateKeyPage } from '../pages/api-key-decisions.tsx'
import { ApiKeyFormPage, type KeyFormValues } from '../pages/api-key-form.tsx'
import { historyOf, limitsOf, SCOPE_GROUPS, shownKey } from '../pages/api-key-parts.tsx'
import { words } from '../pages/api-key-words.ts'
import { ApiKeysPage } from '../pages/api-keys.tsx'
import { fill } from '../pages/copy.ts'
import type { Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { page } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const BASE = '/account/api-keys'

const app = createFormApp('Account pages')

const propsOf = (c: AppContext, principal: PersonPrincipal) => ({
  ...formOf(c, principal),
  backHref: BASE,
})

const record = (c: AppContext, principal: PersonPrincipal) =>
  ownKey(gateway(), principal, requireUuid(c.req.param('id'), 'key_not_found'))

const NOTICES: Record<string, string> = { ...words.done, once: words.once_ }

app.route('GET', BASE, {
  authority: page(BASE),
  operation: pageOperation('Shows the API keys', doneQuery),
})(async (c, principal) => {
  const { reads, personal } = gateway()
  const { done = '' } = readQuery(c, doneQuery())
  const keys = await listKeys(reads, personal, { owners: ownersOf(principal), activeOnly: false })
  const now = c.var.call.now()
  return renderPage(
    ApiKeysPage({ base: BASE, keys: keys.map((key) => shownKey(key, now)), now, notice: NOTICES[done] }),
  )
})

function formPage(
  c: AppContext,
  principal: PersonPrincipal,
  values: KeyFormValues,
  { error, status }: Partial<Shown> = {},
): Response {
  const groups = SCOPE_GROUPS.map(({ area, scopes }) => ({
    area,
    scopes: scopes.filter((scope) => mayHold(principal.person.role, scope)),
  }))
  return renderPage(ApiKeyFormPage({ action: BASE, ...propsOf(c, principal), groups, values, error }), { status })
}

app.route('GET', `${BASE}/new`, {
  authority: page(BASE),
  operation: pageOperation('Shows the form to create a key'),
})((c, principal) => formPage(c, principal, { scopes: MINIMAL_SCOPES, days: '90' }))

const createForm = once(() =>
  z.object({
    name: z.optional(z.string()),
    scope: z.optional(z.array(z.string())),
    days: z.optional(z.string()),
    networks: z.optional(z.string()),
    per_minute: z.optional(z.string()),
  }),
)

/** Converts the posted form to the request of the API. @throws GatewayError that names the invalid field */
function readKey(posted: z.infer<ReturnType<typeof createForm>>): NewKey {
  const networks = posted.networks?.split(/[\s,]+/).filter(Boolean)
  const result = newKeyBody().safeParse({
    name: posted.name,
    scopes: posted.scope ?? [],
    expires_in_days: posted.days === 'never' ? undefined : posted.days,
    allowed_networks: networks,
    rate_limits: posted.per_minute ? { max_calls_per_minute: posted.per_minute } : undefined,
  })
  if (result.success) return result.data
  const problem = result.error.issues.map(({ path: [field] }) => PROBLEMS[String(field)]).find(Boolean)
  const { refusal = 'invalid_request', text: description } = problem ?? {}
  throw new GatewayError(refusal, { description })
}

const PROBLEMS: Record<string, { refusal: Refusal; text: string }> = {
  name: { refusal: 'invalid_name', text: 'Enter a name of at most 100 characters.' },
  allowed_networks: { refusal: 'invalid_request', text: 'Enter valid IP addresses or ranges.' },
  rate_limits: { refusal: 'invalid_request', text: 'Enter a whole number of calls, 1 or more.' },
}

app.route('POST', BASE, { authority: page(BASE), operation: formOperation('Creates a key') })((c, principal) =>
  accountForm(c, principal, {
    schema: createForm(),
    repeatable: ['scope'],
    render: (shown) => {
      const { name, days = '90', networks, per_minute: perMinute } = shown.typed
      const scopes = shown.chosen?.('scope') ?? []
      return formPage(c, principal, { name, scopes, days, networks, perMinute }, shown)
    },
    once: () => c.redirect(`${BASE}?done=once`, 303),
    act: async (posted) => {
      const made = await createApiKey(c.var.call, principal, readKey(posted)).catch(sayWhichScopes)
      return showKey(made.secret, made.record.name)
    },
  }),
)

function sayWhichScopes(error: unknown): never {
  if (!(error instanceof GatewayError) || error.refusal !== 'invalid_scope') throw error
  throw new GatewayError('invalid_scope', { description: 'Choose what the key may do.' })
}

function showKey(apiKey: string, name: string, notice?: string): Response {
  return renderPage(ApiKeyShownPage({ apiKey, name, backHref: BASE, notice }))
}

app.route('GET', `${BASE}/:id`, {
  authority: page(BASE),
  operation: pageOperation('Shows a key'),
})(async (c, principal) => {
  const key = await record(c, principal)
  const { reads } = gateway()
  const [history, usage] = [await listKeyHistory(reads, key.id), await listKeyUsage(reads, key.id, 30)]
  const now = c.var.call.now()
  return renderPage(
    ApiKeyPage({
      base: BASE,
      shown: shownKey(key, now),
      description: key.description,
      services: key.service_scopes.map(({ service_key }) => service_key),
      networks: key.networks ?? [],
      limits: limitsOf(key),
      history: historyOf(history, principal.person.uai),
      usage,
      now,
    }),
  )
})

type Decision = 'rotate' | 'revoke' | 'delete'

/** Asks for confirmation before a change to a key. */
async function decisionPage(
  c: AppContext,
  principal: PersonPrincipal,
  kind: Decision,
  { error, status }: Partial<Shown> = {},
): Promise<Response> {
  const { id, name } = await record(c, principal)
  const asked = { action: `${BASE}/${id}/${kind}`, name, error, ...propsOf(c, principal) }
  return renderPage(kind === 'rotate' ? RotateKeyPage(asked) : EndKeyPage({ ...asked, kind }), { status })
}

app.route('GET', `${BASE}/:id/:decision{rotate|revoke|delete}`, {
  authority: page(BASE),
  operation: pageOperation('Asks to confirm the change'),
})((c, principal) => decisionPage(c, principal, c.req.param('decision') as Decision))

/** Applies a confirmed change to a key once. */
async function decide<Schema extends z.ZodMiniObject>(
  c: AppContext,
  principal: PersonPrincipal,
  kind: Decision,
  schema: Schema,
  act: (target: { principal: PersonPrincipal; record: ApiKeyRecord }, input: z.output<Schema>) => Promise<Response>,
): Promise<Response> {
  return accountForm(c, principal, {
    schema,
    load: async () => ({ principal, record: await record(c, principal) }),
    render: (shown) => decisionPage(c, principal, kind, shown),
    once: () => c.redirect(`${BASE}?done=once`, 303),
    act: (input, target) => act(target, input),
  })
}

const rotateForm = once(() =>
  z.object({
    grace_seconds: z.enum(['0', '3600', '86400', '604800'], 'invalid_request'),
  }),
)

app.route('POST', `${BASE}/:id/rotate`, {
  authority: page(BASE),
  operation: formOperation('Rotates a key'),
})((c, principal) => {
  const arrivedAt = gateway().now()
  return decide(c, principal, 'rotate', rotateForm(), async (target, posted) => {
    const graceSeconds = Number(posted.grace_seconds)
    const made = await rotateApiKey(c.var.call, target, { graceSeconds, arrivedAt })
    const until = new Date(arrivedAt.getTime() + graceSeconds * 1000).toISOString().slice(0, 16).replace('T', ' ')
    const later = fill(words.shown.rotatedLater, { until: `${until} UTC` }).join('')
    return showKey(made.secret, made.record.name, graceSeconds > 0 ? later : words.shown.rotatedNow)
  })
})

const endForm = once(() => z.object({ reason: z.optional(z.string().check(z.trim(), z.maxLength(500))) }))

app.route('POST', `${BASE}/:id/:decision{revoke|delete}`, {
  authority: page(BASE),
  operation: formOperation('Revokes or deletes a key'),
})((c, principal) => {
  const kind = c.req.param('decision') as Decision
  return decide(c, principal, kind, endForm(), async (target, { reason }) => {
    await (kind === 'revoke' ? revokeApiKey : deleteApiKey)(c.var.call, target, reason ?? 'owner')
    return c.redirect(`${BASE}?done=${kind === 'revoke' ? 'revoked' : 'deleted'}`, 303)
  })
})

export default serve(app)

import * as z from 'zod/mini'
import { page } from '../../shared/access/pages.ts'
import { mayHold } from '../../shared/domain/scopes.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { ApiKeyPage } from '../../shared/http/pages/api-key.tsx'
import { EndKeyPage, RotateKeyPage } from '../../shared/http/pages/api-key-decisions.tsx'
import { ApiKeyFormPage, type KeyFormValues } from '../../shared/http/pages/api-key-form.tsx'
import { ApiKeyShownPage } from '../../shared/http/pages/api-key-shown.tsx'
import { words } from '../../shared/http/pages/api-key-words.ts'
import { ApiKeysPage } from '../../shared/http/pages/api-keys.tsx'
import { fill } from '../../shared/http/pages/copy.ts'
import { copyScriptSource } from '../../shared/http/pages/copy-field.tsx'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { serve } from '../../shared/http/serve.ts'
import { formOf, postedForm, takeForm } from '../../shared/identity/account-forms.ts'
import { MINIMAL_SCOPES, type NewKey, newKeyBody } from '../../shared/identity/api-key-input.ts'
import { historyOf, limitsOf, SCOPE_GROUPS, shownKey } from '../../shared/identity/api-key-view.ts'
import {
  createApiKey,
  deleteApiKey,
  ownersOf,
  ownKey,
  revokeApiKey,
  rotateApiKey,
} from '../../shared/identity/api-keys.ts'
import type { PersonPrincipal } from '../../shared/identity/authenticate.ts'
import { once } from '../../shared/once.ts'
import { listKeyHistory, listKeys, listKeyUsage } from '../../shared/queries/api-keys.ts'

const BASE = '/account/api-keys'

const app = createPageApp()

const form = (principal: PersonPrincipal) => ({ ...formOf(gateway(), principal), backHref: BASE })

async function record(c: AppContext, principal: PersonPrincipal) {
  const id = z.uuid().safeParse(c.req.param('id'))
  if (!id.success) throw new GatewayError('key_not_found')
  return ownKey(gateway(), principal, id.data)
}

const NOTICES: Record<string, string> = { ...words.done, once: words.once_ }
const listQuery = once(() => z.object({ done: z.optional(z.string()) }))

app.route('GET', BASE, { authority: page(BASE) }, async (c, principal) => {
  const { reads, personal } = gateway()
  const { done = '' } = readQuery(c, listQuery())
  const keys = await listKeys(reads, personal, { owners: ownersOf(principal), activeOnly: false })
  const now = new Date()
  return renderPage(
    ApiKeysPage({ base: BASE, keys: keys.map((key) => shownKey(key, now)), now, notice: NOTICES[done] }),
  )
})

function formPage(principal: PersonPrincipal, values: KeyFormValues, error?: string, status = 200) {
  const groups = SCOPE_GROUPS.map(({ area, scopes }) => ({
    area,
    scopes: scopes.filter((scope) => mayHold(principal.person.role, scope)),
  }))
  return renderPage(ApiKeyFormPage({ action: BASE, ...form(principal), groups, values, error }), { status })
}

app.route('GET', `${BASE}/new`, { authority: page(BASE) }, (_, principal) =>
  formPage(principal, { scopes: MINIMAL_SCOPES, days: '90' }),
)

const createForm = once(() =>
  z.object({
    ...postedForm(),
    name: z.optional(z.string()),
    scope: z.optional(z.array(z.string())),
    days: z.optional(z.string()),
    networks: z.optional(z.string()),
    per_minute: z.optional(z.string()),
  }),
)

/** What the form asks for, in the words of the API; or the sentence that says what is wrong with it. */
function readForm(
  posted: z.infer<ReturnType<typeof createForm>>,
): { input: NewKey; fault?: undefined } | { input?: undefined; fault: string } {
  const networks = posted.networks?.split(/[\s,]+/).filter(Boolean)
  const result = newKeyBody().safeParse({
    name: posted.name,
    scopes: posted.scope ?? [],
    expires_in_days: posted.days === 'never' ? undefined : posted.days,
    allowed_networks: networks,
    rate_limits: posted.per_minute ? { max_calls_per_minute: posted.per_minute } : undefined,
  })
  if (result.success) return { input: result.data }
  const faults = result.error.issues.map(({ path: [field] }) => FAULTS[String(field)])
  return { fault: faults.find(Boolean) ?? new GatewayError('invalid_request').message }
}

const FAULTS: Record<string, string> = {
  name: 'Please give the key a name of at most 100 characters.',
  allowed_networks: 'One of the addresses is not an address or a range.',
  rate_limits: 'The number of calls must be a whole number of 1 or more.',
}

app.route('POST', BASE, { authority: page(BASE) }, async (c, principal) => {
  const posted = await readBody(c, createForm(), { repeatable: ['scope'] })
  if (!(await takeForm(gateway(), c, principal, posted))) return c.redirect(`${BASE}?done=once`, 303)
  const { name, scope: scopes = [], days = '90', networks, per_minute: perMinute } = posted
  const again = (error: string, status: number) =>
    formPage(principal, { name, scopes, days, networks, perMinute }, error, status)
  const { input, fault } = readForm(posted)
  if (!input) return again(fault, 400)
  try {
    const made = await createApiKey(gateway(), c, principal, input)
    return showKey(made.secret, made.record.name)
  } catch (error) {
    if (!(error instanceof GatewayError) || error.status >= 500) throw error
    return again(error.refusal === 'invalid_scope' ? 'Please choose what the key may do.' : error.message, error.status)
  }
})

function showKey(apiKey: string, name: string, notice?: string): Response {
  return renderPage(ApiKeyShownPage({ apiKey, name, backHref: BASE, notice }), { script: copyScriptSource() })
}

app.route('GET', `${BASE}/:id`, { authority: page(BASE) }, async (c, principal) => {
  const key = await record(c, principal)
  const { reads } = gateway()
  const [history, usage] = [await listKeyHistory(reads, key.id), await listKeyUsage(reads, key.id, 30)]
  const now = new Date()
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

app.route('GET', `${BASE}/:id/:decision{rotate|revoke|delete}`, { authority: page(BASE) }, async (c, principal) => {
  const { id, name } = await record(c, principal)
  const kind = c.req.param('decision')
  const asked = { action: `${BASE}/${id}/${kind}`, name, ...form(principal) }
  if (kind === 'rotate') return renderPage(RotateKeyPage(asked))
  return renderPage(EndKeyPage({ ...asked, kind: kind === 'revoke' ? 'revoke' : 'delete' }))
})

const rotateForm = once(() =>
  z.object({
    ...postedForm(),
    grace_seconds: z.enum(['0', '3600', '86400', '604800'], 'invalid_request'),
  }),
)

app.route('POST', `${BASE}/:id/rotate`, { authority: page(BASE) }, async (c, principal) => {
  const arrivedAt = new Date()
  const posted = await readBody(c, rotateForm())
  const target = { principal, record: await record(c, principal) }
  if (!(await takeForm(gateway(), c, principal, posted))) return c.redirect(`${BASE}?done=once`, 303)
  const graceSeconds = Number(posted.grace_seconds)
  const made = await rotateApiKey(gateway(), c, target, { graceSeconds, arrivedAt })
  const until = new Date(arrivedAt.getTime() + graceSeconds * 1000).toISOString().slice(0, 16).replace('T', ' ')
  const later = fill(words.shown.rotatedLater, { until: `${until} UTC` }).join('')
  return showKey(made.secret, made.record.name, graceSeconds > 0 ? later : words.shown.rotatedNow)
})

const endForm = once(() =>
  z.object({ ...postedForm(), reason: z.optional(z.string().check(z.trim(), z.maxLength(500))) }),
)

app.route('POST', `${BASE}/:id/:decision{revoke|delete}`, { authority: page(BASE) }, async (c, principal) => {
  const posted = await readBody(c, endForm())
  const target = { principal, record: await record(c, principal) }
  if (!(await takeForm(gateway(), c, principal, posted))) return c.redirect(`${BASE}?done=once`, 303)
  const revokes = c.req.param('decision') === 'revoke'
  await (revokes ? revokeApiKey : deleteApiKey)(gateway(), c, target, posted.reason ?? 'owner')
  return c.redirect(`${BASE}?done=${revokes ? 'revoked' : 'deleted'}`, 303)
})

export default serve(app)

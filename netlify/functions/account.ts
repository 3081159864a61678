import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { actAs, commitAs } from '../../shared/access/authority.ts'
import { GatewayError } from '../../shared/errors.ts'
import type { Work } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { doneQuery, formOperation, pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { describeUserAgent } from '../../shared/http/user-agent.ts'
import { once } from '../../shared/once.ts'
import { refuseStranding, splitIdentity } from '../../shared/people/identities.ts'
import { removeSignInMethod } from '../../shared/people/sign-in-methods.ts'
import { listApplications } from '../../shared/queries/agent-delegations.ts'
import { type ConnectionRow, listConnections } from '../../shared/queries/connections.ts'
import { listCredentials } from '../../shared/queries/credentials.ts'
import { listFactors } from '../../shared/queries/factors.ts'
import { listMessagesOf } from '../../shared/queries/messages.ts'
import { listOperatorCodesOf } from '../../shared/queries/operator-codes.ts'
import type { Person } from '../../shared/queries/person.ts'
import { listRememberedDevices } from '../../shared/queries/second-factor.ts'
import { listSessions } from '../../shared/queries/sessions.ts'
import { endSession } from '../../shared/sign-in/end-session.ts'
import { forgetDevice } from '../../shared/sign-in/factors/remembered-devices.ts'
import { passkeySignals } from '../../shared/sign-in/passkey/registration.ts'
import { relyingPartyOf } from '../../shared/sign-in/passkey/relying-party.ts'
import { originOf } from '../../shared/sign-in/session-origin.ts'
import { linkToken } from '../../shared/sso/sso-steps.ts'
import { SUPABASE_SLUG } from '../../shared/sso/supabase-project.ts'
import { emailDomain } from '../../shared/typed/email.ts'
import { AccountPage } from '../pages/account.tsx'
import { accountForm, formOf, idForm } from '../pages/account-forms.ts'
import { words } from '../pages/account-words.ts'
import type { Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { page, sensitivePage } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const BASE = '/account'
const NEWEST_MESSAGES = 5
const app = createFormApp('Account pages')
const NOTICES: Record<string, string> = words.done

const linkHref = (provider: string, csrf: string) =>
  `/v1/auth/oauth?${new URLSearchParams({ provider, purpose: 'link', redirect_uri: BASE, csrf })}`

/** A connection is offered to everyone, or to people with an e-mail address in its domains. */
const isOffered = ({ settings: { listed, domains } }: ConnectionRow, { email }: Person) =>
  listed || domains.includes(emailDomain(email))

/** Shows the profile, sign-in methods, sessions and authorized applications of a person. */
async function accountPage(
  c: AppContext,
  principal: PersonPrincipal,
  { error, notice, status }: Partial<Shown>,
): Promise<Response> {
  const { person, session: current } = principal
  const { reads, personal } = gateway()
  const [methods, sessions, connections, factors, applications, operatorCodes, messages, devices] = [
    await listCredentials(reads, personal, person),
    await listSessions(reads, person),
    await listConnections(reads),
    await listFactors(reads, personal, person),
    await listApplications(reads, person),
    await listOperatorCodesOf(reads, personal, person),
    await listMessagesOf(reads, person, NEWEST_MESSAGES),
    await listRememberedDevices(reads, personal, person),
  ]
  const csrf = linkToken(gateway(), principal.credentialId)
  const linked = new Set(methods.map(({ provider }) => provider))
  const providers = connections.filter(
    (one) => one.status === 'enabled' && !linked.has(one.slug) && isOffered(one, person),
  )
  const nameOf = (slug: string | undefined) => connections.find((one) => one.slug === slug)?.settings.name ?? slug
  return renderPage(
    AccountPage({
      base: BASE,
      ...formOf(c, principal),
      person,
      methods: methods
        .filter(({ usable }) => usable)
        .map(({ provider, kind, ...method }) => ({
          ...method,
          kind: provider === SUPABASE_SLUG ? 'password' : kind,
          provider: nameOf(provider),
        })),
      providers: providers.map(({ slug, settings }) => ({ name: settings.name, href: linkHref(slug, csrf) })),
      byPhone: gateway().config.SMS_COUNTRIES.length > 0,
      factors,
      passkeys: relyingPartyOf(gateway().config) && {
        passkeys: factors.passkeys,
        signals: passkeySignals(gateway(), person, factors.passkeys),
      },
      devices: devices.map(({ userAgent, ...one }) => ({ ...one, name: describeUserAgent(userAgent) })),
      operatorCodes,
      sessions: sessions.map((one) => {
        const { ip, userAgent } = originOf(gateway(), one)
        return { ...one, current: one.id === current?.id, device: describeUserAgent(userAgent), ip }
      }),
      applications,
      messages,
      now: c.var.call.now(),
      notice,
      error,
    }),
    { status },
  )
}

app.route('GET', BASE, {
  authority: page(BASE),
  operation: pageOperation('Shows the account', doneQuery),
})(async (c, principal) => {
  const { done = '' } = readQuery(c, doneQuery())
  return accountPage(c, principal, { notice: NOTICES[done] })
})

/** Applies a form of this page once. */
function take<Schema extends z.ZodMiniObject>(
  c: AppContext,
  principal: PersonPrincipal,
  schema: Schema,
  act: (input: z.output<Schema>) => Promise<string>,
): Promise<Response> {
  return accountForm(c, principal, {
    schema,
    render: (shown) => accountPage(c, principal, shown),
    once: () => c.redirect(BASE, 303),
    act: async (input) => c.redirect(`${BASE}?done=${await act(input)}`, 303),
  })
}

app.route('POST', `${BASE}/sign-in-methods/remove`, {
  authority: sensitivePage(BASE),
  operation: formOperation('Removes a sign-in method'),
})((c, principal) =>
  take(c, principal, idForm(), async ({ id: credentialId }) => {
    const { person } = principal
    const input = { person, credentialId, reason: 'person', act: (work: Work) => actAs(work, principal) }
    await removeSignInMethod(c.var.call, input)
    return 'removed'
  }),
)

const ending = once(() => z.object({ which: z.union([z.literal('others'), z.uuid()], 'not_found') }))

app.route('POST', `${BASE}/sessions/end`, {
  authority: page(BASE),
  operation: formOperation('Ends sessions'),
})((c, principal) =>
  take(c, principal, ending(), async ({ which }) => {
    const { person, session } = principal
    if (!session) throw new GatewayError('session_invalid')
    const others = async () => (await listSessions(gateway().reads, person)).map(({ id }) => id)
    const ids = which === 'others' ? await others() : [which]
    for (const id of ids.filter((one) => one !== session.id))
      await endSession(c.var.call, person, id, 'revoked', { sessionId: session.id })
    return 'ended'
  }),
)

app.route('POST', `${BASE}/devices/forget`, {
  authority: page(BASE),
  operation: formOperation('Forgets a device, which is asked for the second factor again'),
})((c, principal) =>
  take(c, principal, idForm(), async ({ id }) => {
    await forgetDevice(c.var.call, principal.person, id)
    return 'forgotten'
  }),
)

const splitting = once(() => z.object({ uai: z.uuid('not_found') }))

app.route('POST', `${BASE}/split`, {
  authority: sensitivePage(BASE),
  operation: formOperation('Undoes a merge'),
})((c, principal) =>
  take(c, principal, splitting(), async ({ uai }) => {
    if (!principal.person.members.includes(uai)) throw new GatewayError('not_found')
    await commitAs(c.var.call, principal, async (work) => {
      await refuseStranding(gateway(), work, uai)
      await splitIdentity(work, { uai, reason: 'person' })
    })
    return 'split'
  }),
)

export default serve(app)

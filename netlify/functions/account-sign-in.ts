import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { actAs } from '../../shared/access/authority.ts'
import type { Work } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { doneQuery, formOperation, pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { removeSignInMethod } from '../../shared/people/sign-in-methods.ts'
import { type ConnectionRow, listConnections } from '../../shared/queries/connections.ts'
import { listCredentials } from '../../shared/queries/credentials.ts'
import { listFactors } from '../../shared/queries/factors.ts'
import { listOperatorCodesOf } from '../../shared/queries/operator-codes.ts'
import type { Person } from '../../shared/queries/person.ts'
import { passkeySignals } from '../../shared/sign-in/passkey/registration.ts'
import { relyingPartyOf } from '../../shared/sign-in/passkey/relying-party.ts'
import { linkToken } from '../../shared/sso/sso-steps.ts'
import { SUPABASE_SLUG } from '../../shared/sso/supabase-project.ts'
import { emailDomain } from '../../shared/typed/email.ts'
import { accountButton, formOf, idForm } from '../pages/account-forms.ts'
import { ACCOUNT_PAGES } from '../pages/account-layout.tsx'
import { SignInMethodsPage } from '../pages/account-sign-in.tsx'
import { words } from '../pages/account-words.ts'
import type { Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { page, sensitivePage } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const BASE = ACCOUNT_PAGES.signIn
const app = createFormApp('Account pages')
const NOTICES: Record<string, string> = words.done

const linkHref = (provider: string, csrf: string) =>
  `/v1/auth/oauth?${new URLSearchParams({ provider, purpose: 'link', redirect_uri: BASE, csrf })}`

/** A connection is offered to everyone, or to people with an e-mail address in its domains. */
const isOffered = ({ settings: { listed, domains } }: ConnectionRow, { email }: Person) =>
  listed || domains.includes(emailDomain(email))

async function signInMethodsPage(
  c: AppContext,
  principal: PersonPrincipal,
  { error, notice, status }: Partial<Shown>,
): Promise<Response> {
  const { person } = principal
  const { reads, personal, config } = gateway()
  const [methods, connections, factors, operatorCodes] = [
    await listCredentials(reads, personal, person),
    await listConnections(reads),
    await listFactors(reads, personal, person),
    await listOperatorCodesOf(reads, personal, person),
  ]
  const csrf = linkToken(gateway(), principal.credentialId)
  const linked = new Set(methods.map(({ provider }) => provider))
  const providers = connections.filter(
    (one) => one.status === 'enabled' && !linked.has(one.slug) && isOffered(one, person),
  )
  const nameOf = (slug: string | undefined) => connections.find((one) => one.slug === slug)?.settings.name ?? slug
  return renderPage(
    SignInMethodsPage({
      base: '/account',
      ...formOf(c, principal),
      methods: methods
        .filter(({ usable }) => usable)
        .map(({ provider, kind, ...method }) => ({
          ...method,
          kind: provider === SUPABASE_SLUG ? 'password' : kind,
          provider: nameOf(provider),
        })),
      providers: providers.map(({ slug, settings }) => ({ name: settings.name, href: linkHref(slug, csrf) })),
      byPhone: config.SMS_COUNTRIES.length > 0,
      factors,
      passkeys: relyingPartyOf(config) && {
        passkeys: factors.passkeys,
        signals: passkeySignals(gateway(), person, factors.passkeys),
      },
      operatorCodes,
      now: c.var.call.now(),
      notice,
      error,
    }),
    { status },
  )
}

app.route('GET', BASE, {
  authority: page(BASE),
  operation: pageOperation('Shows how the person signs in', doneQuery),
})((c, principal) => signInMethodsPage(c, principal, { notice: NOTICES[readQuery(c, doneQuery()).done ?? ''] }))

app.route('POST', '/account/sign-in-methods/remove', {
  authority: sensitivePage(BASE),
  operation: formOperation('Removes a sign-in method'),
})((c, principal) =>
  accountButton(c, principal, {
    home: BASE,
    schema: idForm(),
    render: (shown) => signInMethodsPage(c, principal, shown),
    act: async ({ id: credentialId }) => {
      const { person } = principal
      const input = { person, credentialId, reason: 'person', act: (work: Work) => actAs(work, principal) }
      await removeSignInMethod(c.var.call, input)
      return 'removed'
    },
  }),
)

export default serve(app)

import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { commitAs } from '../../shared/access/authority.ts'
import { safeReturnTo } from '../../shared/access/return-to.ts'
import { changeIdentity, identity } from '../../shared/domain/identity.ts'
import { GatewayError, type Refusal } from '../../shared/errors.ts'
import { aboutPerson } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation, returnQuery } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { describeUserAgent } from '../../shared/http/user-agent.ts'
import { endsAtClient } from '../../shared/oauth/authorize/authorize-url.ts'
import { once } from '../../shared/once.ts'
import { completeStepUp } from '../../shared/sign-in/complete.ts'
import { newCredential, readCredential } from '../../shared/sign-in/passkey/credential.ts'
import { removeOwnPasskey, renameOwnPasskey } from '../../shared/sign-in/passkey/own-passkeys.ts'
import { recordNewPasskey, registrationOptions, verifyNewPasskey } from '../../shared/sign-in/passkey/registration.ts'
import { returnToField } from '../../shared/typed/fields.ts'
import { accountForm, expiredButton, formOf, idForm } from '../pages/account-forms.ts'
import { NewPasskeyPage } from '../pages/account-passkeys.tsx'
import { copy } from '../pages/copy.ts'
import type { Shown } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import { page, sensitivePage } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'
import { redirectTo } from '../pages/sign-in-response.ts'

const HOME = '/account/sign-in'
const NEW = '/account/passkeys/new'

const app = createFormApp('Account pages')
app.use(translated)
const goal = once(() => z.object({ return_to: returnToField() }))
const goalOf = (sent: { return_to?: string }) => safeReturnTo(gateway().config, sent.return_to)

async function newPasskeyPage(
  c: AppContext,
  principal: PersonPrincipal,
  back: string | undefined,
  { error, status, declineAction }: Partial<Shown> & { declineAction?: string } = {},
) {
  const { person, credentialId } = principal
  return renderPage(
    NewPasskeyPage({
      ...formOf(c, principal),
      ...{
        action: NEW,
        backHref: back ?? HOME,
        returnTo: back,
        email: person.email || person.uai,
        error,
        declineAction,
      },
      options: await registrationOptions(gateway(), person, credentialId),
    }),
    { status, formAction: endsAtClient(back) },
  )
}

app.route('GET', NEW, {
  authority: sensitivePage(NEW),
  operation: pageOperation('Shows the page that creates a passkey', returnQuery),
})((c, principal) => newPasskeyPage(c, principal, goalOf(readQuery(c, goal()))))

const DECLINE = '/account/passkeys/decline'

app.route('GET', '/account/passkeys/offer', {
  authority: sensitivePage('/account/passkeys/offer'),
  operation: pageOperation('Offers a passkey after a sign-in', returnQuery),
})((c, principal) => newPasskeyPage(c, principal, goalOf(readQuery(c, goal())), { declineAction: DECLINE }))

/** Declines the offer for good. */
app.route('POST', DECLINE, {
  authority: page(HOME),
  operation: formOperation('Declines the offer of a passkey for good'),
})((c, principal) =>
  accountForm(c, principal, {
    schema: goal(),
    restart: () => expiredButton(HOME),
    once: (typed) => c.redirect(goalOf(typed) ?? HOME, 303),
    act: async (sent) => {
      await commitAs(c.var.call, principal, async (work) => {
        const stream = await work.load(identity, principal.person.uai, aboutPerson(principal.person))
        stream.decide((state) => changeIdentity(state, { passkeyOffer: 'declined' }))
      })
      return c.redirect(goalOf(sent) ?? HOME, 303)
    },
  }),
)

const credentialForm = once(() => z.object({ credential: z.string('passkey_invalid'), return_to: returnToField() }))

/** A passkey that verified the person also counts as a step-up. */
app.route('POST', NEW, {
  authority: sensitivePage(NEW),
  operation: formOperation('Registers a passkey'),
})((c, principal) =>
  accountForm(c, principal, {
    schema: credentialForm(),
    render: (shown) => newPasskeyPage(c, principal, goalOf(shown.typed), shown),
    restart: ({ typed }) => {
      const error = { text: copy.passkeys.create.expired, field: 'form' } as const
      return newPasskeyPage(c, principal, goalOf(typed), { error, status: 403 })
    },
    once: (typed) => c.redirect(goalOf(typed) ?? HOME, 303),
    act: async ({ credential, return_to }) => {
      const presented = readCredential(newCredential(), credential)
      const device = await describeUserAgent(c.var.call.request.userAgent)
      const holder = principal.credentialId
      const verified = await verifyNewPasskey(gateway(), { credential: presented, holder, device })
      const cookies = await completeStepUp(c.var.call, principal, {
        record: (work) => recordNewPasskey(gateway(), work, principal.person, verified),
        notice: 'passkey_added',
        what: verified.name,
      })
      return redirectTo(c, { location: goalOf({ return_to }) ?? `${HOME}?done=passkey_added`, cookies })
    },
  }),
)

const leave = (c: AppContext, done: string) => c.redirect(`${HOME}?done=${done}`, 303)

const nameForm = once(() =>
  z.extend(idForm(), {
    name: z.string('invalid_name').check(z.trim(), z.minLength(1, 'invalid_name'), z.maxLength(200, 'invalid_name')),
  }),
)

app.route('POST', '/account/passkeys/rename', {
  authority: page(HOME),
  operation: formOperation('Renames a passkey', nameForm),
})((c, principal) =>
  accountForm(c, principal, {
    schema: nameForm(),
    restart: () => expiredButton(HOME),
    once: () => c.redirect(HOME, 303),
    act: async (input) => {
      await renameOwnPasskey(c.var.call, principal, input)
      return leave(c, 'passkey_renamed')
    },
  }),
)

/** What the account page says where the last passkey stays. */
const KEPT: Partial<Record<Refusal, string>> = { last_credential: 'passkey_last', last_passkey: 'passkey_needed' }

app.route('POST', '/account/passkeys/remove', {
  authority: sensitivePage(HOME),
  operation: formOperation('Removes a passkey', idForm),
})((c, principal) =>
  accountForm(c, principal, {
    schema: idForm(),
    restart: () => expiredButton(HOME),
    once: () => c.redirect(HOME, 303),
    act: async ({ id }) => {
      const refused = await removeOwnPasskey(c.var.call, principal, id).catch((error: unknown) => {
        if (error instanceof GatewayError && KEPT[error.refusal]) return error
        throw error
      })
      if (refused) c.var.call.notes.refused = refused
      return leave(c, refused ? (KEPT[refused.refusal] ?? '') : 'passkey_removed')
    },
  }),
)

export default serve(app)

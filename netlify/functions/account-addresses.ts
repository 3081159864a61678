import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { actAs } from '../../shared/access/authority.ts'
import { identity, linkCredential } from '../../shared/domain/identity.ts'
import { GatewayError } from '../../shared/errors.ts'
import { aboutPerson, commit } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation, tabQuery } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { type CodeAddress, mailbox, telephone } from '../../shared/people/code-address.ts'
import { notifyFactorChange } from '../../shared/people/factor-notices.ts'
import { mergeIdentities } from '../../shared/people/identities.ts'
import { hasAuthenticator } from '../../shared/queries/factors.ts'
import { codeCheck, recordCode } from '../../shared/sign-in/one-time-code.ts'
import { sendTo } from '../../shared/sign-in/sign-in-steps.ts'
import {
  browserHashOf,
  endTransaction,
  findWaiting,
  newTransaction,
  transactionUrl,
  type WaitingTransaction,
} from '../../shared/sign-in/sign-in-transaction.ts'
import { typedCode, typedEmail, typedPhone } from '../../shared/typed/fields.ts'
import { accountForm, formOf } from '../pages/account-forms.ts'
import { AddAddressPage, ProveAddressPage } from '../pages/add-address.tsx'
import type { Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { sensitivePage } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const HOME = '/account/sign-in'
const app = createFormApp('Account pages')

const emailForm = once(() => z.object({ email: typedEmail() }))
const phoneForm = once(() => z.object({ phone: typedPhone() }))
const codeForm = once(() => z.object({ code: typedCode() }))

for (const kind of ['email', 'phone'] as const) {
  const base = `/account/${kind}`
  const channel = kind === 'email' ? 'email' : 'sms'
  const props = (c: AppContext, principal: PersonPrincipal, action: string, transaction?: string) => ({
    ...formOf(c, principal, transaction),
    ...{ kind, action, backHref: HOME },
  })

  const askPage = (c: AppContext, principal: PersonPrincipal, { typed, error, status }: Shown) => {
    const page = AddAddressPage({ ...props(c, principal, base), given: typed[kind]?.slice(0, 254), error })
    return renderPage(page, { status })
  }

  const provePage = (
    c: AppContext,
    principal: PersonPrincipal,
    { id, to }: WaitingTransaction,
    { error, status }: Partial<Shown> = {},
  ) => {
    const page = ProveAddressPage({ ...props(c, principal, `${base}/code`, id), address: to.address, error })
    return renderPage(page, { status })
  }

  /** Returns the open transaction of this tab that awaits a code for this kind of address. */
  const waiting = async (c: AppContext, id: string | undefined) => {
    const transaction = await findWaiting(c.var.call, id)
    return transaction?.to.channel === channel ? transaction : undefined
  }

  app.route('GET', base, {
    authority: sensitivePage(base),
    operation: pageOperation(kind === 'email' ? 'Asks for an e-mail address' : 'Asks for a mobile number'),
  })((c, principal) => askPage(c, principal, { typed: {} }))

  app.route('POST', base, {
    authority: sensitivePage(base),
    operation: formOperation('Sends a code to the new address or number'),
  })((c, principal) =>
    accountForm(c, principal, {
      schema: kind === 'email' ? emailForm() : phoneForm(),
      render: (shown) => askPage(c, principal, shown),
      once: () => c.redirect(base, 303),
      act: async (input) => {
        const to = 'email' in input ? mailbox(input.email) : await telephone(gateway(), input.phone)
        const sent = await sendTo(c.var.call, newTransaction(), to)
        return c.redirect(transactionUrl(`${base}/code`, sent), 303)
      },
    }),
  )

  app.route('GET', `${base}/code`, {
    authority: sensitivePage(base),
    operation: pageOperation('Shows the form for the code', tabQuery),
  })(async (c, principal) => {
    const transaction = await waiting(c, readQuery(c, tabQuery()).t)
    return transaction ? provePage(c, principal, transaction) : c.redirect(base, 303)
  })

  /** A valid code links the address. If the address has an account of its own, that account is merged into this one. */
  app.route('POST', `${base}/code`, {
    authority: sensitivePage(base),
    operation: formOperation('Verifies the code and links the address'),
  })((c, principal) =>
    accountForm(c, principal, {
      schema: codeForm(),
      load: ({ transaction }) => waiting(c, transaction),
      render: (shown, transaction) => provePage(c, principal, transaction, shown),
      restart: () => c.redirect(base, 303),
      once: () => c.redirect(HOME, 303),
      act: async ({ code }, transaction) => {
        const { to, challengeId } = transaction
        const presented = { to, challengeId, code, browserHash: browserHashOf(c.var.call) }
        const done = await addAddress(c, principal, presented)
        await endTransaction(c.var.call, transaction)
        return c.redirect(`${HOME}?done=${done}`, 303)
      },
    }),
  )
}

type Presented = { to: CodeAddress; challengeId: string; code: string; browserHash: string }

async function addAddress(c: AppContext, principal: PersonPrincipal, presented: Presented): Promise<string> {
  const { person } = principal
  const check = codeCheck(c.var.call, presented)
  return commit(c.var.call, async (work) => {
    const checked = await check()
    const { credential } = recordCode(work, checked, gateway().now())
    actAs(work, principal)
    const { person: holder, challenge } = checked
    if (holder?.uai === person.uai) return 'own'
    if (holder) {
      const isEnrolled = await hasAuthenticator(gateway().reads, holder)
      // A mailed code is not enough to merge an account that is protected by an authenticator.
      if (isEnrolled) throw new GatewayError('merge_needs_step_up')
      const evidence = { method: 'signed_in_and_code', challengeId: challenge.id, sessionId: principal.credentialId }
      await mergeIdentities(work, { survivor: person, retired: holder, evidence })
      for (const one of [person, holder])
        notifyFactorChange(c.var.call, work, { person: one, kind: 'identities_merged' })
      return 'merged'
    }
    const stream = await work.load(identity, person.uai, aboutPerson(person))
    stream.decide((state) => linkCredential(state, credential))
    const { channel, address } = presented.to
    const kind = channel === 'sms' ? 'phone_added' : 'sign_in_method_added'
    notifyFactorChange(c.var.call, work, { person, kind, what: address })
    return 'added'
  })
}

export default serve(app)

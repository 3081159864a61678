import * as z from 'zod/mini'
import { sensitivePage } from '../../shared/access/pages.ts'
import { identity, linkCredential } from '../../shared/domain/identity.ts'
import { GatewayError } from '../../shared/errors.ts'
import { commit } from '../../shared/events/commit.ts'
import { commitContext, gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { AddAddressPage, ProveAddressPage } from '../../shared/http/pages/add-address.tsx'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { serve } from '../../shared/http/serve.ts'
import { formOf, postedForm, takeForm } from '../../shared/identity/account-forms.ts'
import type { PersonPrincipal } from '../../shared/identity/authenticate.ts'
import { actAs } from '../../shared/identity/authority.ts'
import { type CodeAddress, mailbox, telephone } from '../../shared/identity/code-address.ts'
import { mergeIdentities, refuseStranding, splitIdentity, tellOfMerge } from '../../shared/identity/identities.ts'
import { withProvenAddress } from '../../shared/identity/one-time-code.ts'
import { tellOfProofs } from '../../shared/identity/proof-notices.ts'
import { sendCode } from '../../shared/identity/send-code.ts'
import {
  browserHashOf,
  clearSignIn,
  readSignIn,
  withCookies,
  writeSignIn,
} from '../../shared/identity/sign-in-cookie.ts'
import { once } from '../../shared/once.ts'
import { listProofs } from '../../shared/queries/proofs.ts'
import { typedCode, typedEmail, typedPhone } from '../../shared/typed/fields.ts'

const HOME = '/account'
const app = createPageApp()

const given = once(() => z.optional(z.string()))
const looseForm = once(() => z.object({ ...postedForm(), email: given(), phone: given() }))
const emailForm = once(() => z.object({ email: typedEmail() }))
const phoneForm = once(() => z.object({ phone: typedPhone() }))
const codeForm = once(() => z.object({ code: typedCode() }))

const readMailbox = async (c: AppContext) => mailbox((await readBody(c, emailForm())).email)
const readTelephone = async (c: AppContext) => telephone(gateway(), (await readBody(c, phoneForm())).phone)

/** What the person can mend on the page itself. */
function told(c: AppContext, error: unknown): GatewayError {
  const mendable = /^(otp_|missing_|invalid_email|invalid_phone|phone_|sms_|merge_)/
  if (error instanceof GatewayError && mendable.test(error.refusal)) {
    c.set('refused', error)
    return error
  }
  throw error
}

for (const kind of ['email', 'phone'] as const) {
  const base = `${HOME}/${kind}`
  const form = (principal: PersonPrincipal, action: string) => ({
    ...formOf(gateway(), principal),
    ...{ kind, action, backHref: HOME },
  })

  app.route('GET', base, { authority: sensitivePage(base) }, (_, principal) =>
    renderPage(AddAddressPage(form(principal, base))),
  )

  app.route('POST', base, { authority: sensitivePage(base) }, async (c, principal) => {
    const loose = await readBody(c, looseForm())
    if (!(await takeForm(gateway(), c, principal, loose))) return c.redirect(HOME, 303)
    try {
      const to = kind === 'email' ? await readMailbox(c) : await readTelephone(c)
      const signIn = readSignIn(gateway(), c)
      const challengeId = await sendCode(gateway(), c, { to, browserHash: browserHashOf(signIn) })
      writeSignIn(gateway(), c, { ...signIn, to, challengeId })
      const page = ProveAddressPage({ ...form(principal, `${base}/code`), address: to.address })
      return withCookies(c, renderPage(page))
    } catch (error) {
      const { message, status } = told(c, error)
      const page = AddAddressPage({ ...form(principal, base), given: loose[kind]?.slice(0, 254), error: message })
      return renderPage(page, { status })
    }
  })

  /** The code proves the address: it is linked, or, where it has an account, that account becomes part of this one. */
  app.route('POST', `${base}/code`, { authority: sensitivePage(base) }, async (c, principal) => {
    const posted = await readBody(c, z.object(postedForm()))
    if (!(await takeForm(gateway(), c, principal, posted))) return c.redirect(HOME, 303)
    const signIn = readSignIn(gateway(), c)
    const { to, challengeId } = signIn
    if ((to?.channel === 'email') !== (kind === 'email') || !to || !challengeId) return c.redirect(base, 303)
    try {
      const { code } = await readBody(c, codeForm())
      const done = await prove(c, principal, { to, challengeId, code, browserHash: browserHashOf(signIn) })
      clearSignIn(c)
      return c.redirect(`${HOME}?done=${done}`, 303)
    } catch (error) {
      const { message, status } = told(c, error)
      const page = ProveAddressPage({ ...form(principal, `${base}/code`), address: to.address, error: message })
      return renderPage(page, { status })
    }
  })
}

type Presented = { to: CodeAddress; challengeId: string; code: string; browserHash: string }

async function prove(c: AppContext, principal: PersonPrincipal, presented: Presented): Promise<string> {
  const { person } = principal
  const outcome = await withProvenAddress(gateway(), c, presented, async (work, proven) => {
    actAs(work, principal)
    const { person: holder, credential, challengeId } = proven
    if (holder?.uai === person.uai) return { done: 'own' }
    if (holder) {
      const { authenticators } = await listProofs(gateway().reads, gateway().personal, holder)
      // A code by mail is not enough to take an account over that an app protects.
      if (authenticators.length > 0) throw new GatewayError('merge_needs_step_up')
      const evidence = { method: 'signed_in_and_code', challengeId, sessionId: principal.credentialId }
      await mergeIdentities(work, { survivor: person, retired: holder, evidence })
      return { done: 'merged', holder }
    }
    const stream = await work.load(identity, person.uai, { subject: person.uai })
    stream.decide((state) => linkCredential(state, credential))
    return { done: 'added' }
  })
  const { channel, address } = presented.to
  const kind = channel === 'sms' ? 'phone_added' : 'sign_in_method_added'
  if (outcome.done === 'added') tellOfProofs(gateway(), c, person, kind, address)
  if (outcome.holder) for (const one of [person, outcome.holder]) c.get('waitUntil')(tellOfMerge(gateway(), c, one))
  return outcome.done
}

const splitForm = once(() => z.object({ ...postedForm(), uai: z.uuid('not_found') }))

app.route('POST', '/account/split', { authority: sensitivePage(HOME) }, async (c, principal) => {
  const posted = await readBody(c, splitForm())
  if (!(await takeForm(gateway(), c, principal, posted))) return c.redirect(HOME, 303)
  if (!principal.person.members.includes(posted.uai)) throw new GatewayError('not_found')
  await commit(commitContext(gateway(), c), async (work) => {
    actAs(work, principal)
    await refuseStranding(gateway(), work, posted.uai)
    await splitIdentity(work, { uai: posted.uai, reason: 'person' })
  })
  return c.redirect(`${HOME}?done=split`, 303)
})

export default serve(app)

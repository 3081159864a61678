import { Secret, TOTP } from 'otpauth'
import { createCall } from '../../shared/call.ts'
import { changeIdentity, identity } from '../../shared/domain/identity.ts'
import { commit } from '../../shared/events/commit.ts'
import type { TestGateway } from './gateway.ts'
import { formsOf, type Page, type SignedInBrowser, signIn } from './sign-in.ts'

/** An authenticator app with the secret that an enrolment page shows. */
export function scan(page: Page): TOTP {
  const secret = /secret=([A-Z2-7]{32})/.exec(page.html)?.[1]
  if (!secret) throw new Error(`no secret at ${page.url} (${page.status}): ${page.html.slice(0, 2000)}`)
  return new TOTP({ secret: Secret.fromBase32(secret) })
}

/** Sets an authenticator app up; the session is stepped up by that. Its next code counts 30 seconds later, so let `codeOf` make it. */
export async function enrolTotp(person: SignedInBrowser): Promise<TOTP> {
  const page = await person.browser.visit('/account/totp')
  const app = scan(page)
  const done = await person.browser.submit(page, { code: codeOf(app, -1) }, '/account/totp')
  if (done.status !== 200 || formsOf(done).some(({ action }) => action === '/account/totp'))
    throw new Error(`not enrolled: ${done.status} ${done.html.slice(0, 2000)}`)
  return app
}

/**
 * A code of the app for a time step near the present one. Each step counts once, and none before a step that was used, so a test that
 * needs several takes -1, 0 and 1 in this order.
 */
export function codeOf(app: TOTP, step: -1 | 0 | 1): string {
  return app.generate({ timestamp: Date.now() + step * 30_000 })
}

/** Changes the role of a person, as the operator command does. */
export async function giveRole({ gateway }: TestGateway, uai: string, role: string): Promise<void> {
  await commit(createCall(gateway), async (work) => {
    work.actor = { type: 'operator', id: 'test' }
    const stream = await work.load(identity, uai, { subject: uai })
    stream.decide((state) => changeIdentity(state, { role, reason: 'test' }))
  })
}

/** A browser of an operator who has an authenticator app and just stepped up. */
export async function signInOperator(
  gateway: TestGateway,
  role: 'admin' | 'platform_admin' = 'platform_admin',
): Promise<SignedInBrowser & { app: TOTP }> {
  const person = await signIn(gateway)
  await giveRole(gateway, person.uai, role)
  return { ...person, app: await enrolTotp(person) }
}

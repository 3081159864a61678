import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { doneQuery, formOperation, pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { describeUserAgent } from '../../shared/http/user-agent.ts'
import { once } from '../../shared/once.ts'
import { listRememberedDevices } from '../../shared/queries/second-factor.ts'
import { listSessions, type SessionListing } from '../../shared/queries/sessions.ts'
import { endSession } from '../../shared/sign-in/end-session.ts'
import { forgetDevice } from '../../shared/sign-in/factors/remembered-devices.ts'
import { originOf } from '../../shared/sign-in/session-origin.ts'
import { DevicesPage } from '../pages/account-devices.tsx'
import { accountButton, formOf, idForm } from '../pages/account-forms.ts'
import { words } from '../pages/account-words.ts'
import type { Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { page } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const BASE = '/account/devices'
const app = createFormApp('Account pages')
const NOTICES: Record<string, string> = words.done

/** Returns a session with its browser, or, for a program, its application. */
async function shownSession(session: SessionListing) {
  const { ip, userAgent } = originOf(gateway(), session)
  const browser = await describeUserAgent(userAgent)
  const device = session.platform === 'web' ? browser : (session.client_name ?? browser)
  return { ...session, device, ip }
}

async function devicesPage(
  c: AppContext,
  principal: PersonPrincipal,
  { error, notice, status }: Partial<Shown>,
): Promise<Response> {
  const { person, session: current } = principal
  const { reads, personal } = gateway()
  const [sessions, devices] = [await listSessions(reads, person), await listRememberedDevices(reads, personal, person)]
  return renderPage(
    DevicesPage({
      base: BASE,
      ...formOf(c, principal),
      sessions: await Promise.all(
        sessions.map(async (one) => ({ ...(await shownSession(one)), current: one.id === current?.id })),
      ),
      devices: await Promise.all(
        devices.map(async ({ userAgent, ...one }) => ({ ...one, name: await describeUserAgent(userAgent) })),
      ),
      now: c.var.call.now(),
      notice,
      error,
    }),
    { status },
  )
}

app.route('GET', BASE, {
  authority: page(BASE),
  operation: pageOperation('Shows where the person is signed in', doneQuery),
})((c, principal) => devicesPage(c, principal, { notice: NOTICES[readQuery(c, doneQuery()).done ?? ''] }))

const ending = once(() => z.object({ which: z.union([z.literal('others'), z.uuid()], 'not_found') }))

app.route('POST', '/account/sessions/end', {
  authority: page(BASE),
  operation: formOperation('Ends sessions'),
})((c, principal) =>
  accountButton(c, principal, {
    home: BASE,
    schema: ending(),
    render: (shown) => devicesPage(c, principal, shown),
    act: async ({ which }) => {
      const { person, session } = principal
      if (!session) throw new GatewayError('session_invalid')
      const others = async () => (await listSessions(gateway().reads, person)).map(({ id }) => id)
      const ids = which === 'others' ? await others() : [which]
      for (const id of ids.filter((one) => one !== session.id))
        await endSession(c.var.call, person, id, 'revoked', { sessionId: session.id })
      return 'ended'
    },
  }),
)

app.route('POST', `${BASE}/forget`, {
  authority: page(BASE),
  operation: formOperation('Forgets a device, which is asked for the second factor again'),
})((c, principal) =>
  accountButton(c, principal, {
    home: BASE,
    schema: idForm(),
    render: (shown) => devicesPage(c, principal, shown),
    act: async ({ id }) => {
      await forgetDevice(c.var.call, principal.person, id)
      return 'forgotten'
    },
  }),
)

export default serve(app)

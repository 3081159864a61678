import * as z from 'zod/mini'
import { newFormToken } from '../../shared/access/form-token.ts'
import { projectScope } from '../../shared/access/project-scope.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation, returnQuery } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { issueManualCode, issueManualToken } from '../../shared/oauth/authorize/cli-steps.ts'
import { once } from '../../shared/once.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { signInDirectly } from '../../shared/sign-in/direct-sign-in.ts'
import { accountMethod } from '../../shared/sign-in/external-sign-in.ts'
import { credentialsInput } from '../../shared/sign-in/fields.ts'
import { supabaseAccount } from '../../shared/sso/supabase-project.ts'
import { checkPassword } from '../../shared/sync/supabase-users.ts'
import * as schemas from '../openapi/schemas.ts'
import { CliFailedPage, CliTokenPage, CliWelcomePage, PasteCodePage } from '../pages/cli.tsx'
import { form, type Shown } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import { signedInOr } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'
import { openSignIn } from '../pages/sign-in-pages.ts'
import { passwordBody } from '../pages/sign-in-response.ts'

const BASE = '/auth/cli-login'
const app = createFormApp('Sign-in pages')
app.use(translated)
const aboutOf = (sessionId: string) => `${sessionId}.cli`

/** Signs in for a terminal; a person who did not come from one can create a token to paste (docs/wire-contract.md 1.5). */
app.route('GET', BASE, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Shows the sign-in for a terminal', returnQuery),
})((c) =>
  openSignIn(c, {
    home: BASE,
    welcome: (signedIn) => welcome(c, signedIn),
  }),
)

function welcome(c: AppContext, { person, session }: SignedIn, { error, status }: Partial<Shown> = {}): Response {
  const csrf = newFormToken(c.var.call, { about: aboutOf(session.id) })
  return renderPage(CliWelcomePage({ email: person.email, action: `${BASE}/token`, csrf, error }), { status })
}

/** Signs in from terminals that prompt for the password themselves (docs/wire-contract.md 1.5). */
app.route('POST', BASE, {
  authority: byProtocol('ceremony'),
  operation: {
    summary: 'Signs in from a terminal that prompts for the password',
    body: () => z.object(credentialsInput()),
    answers: { 200: schemas.pair },
  },
})(async (c) => {
  const profile = await checkPassword(c.var.call, await readBody(c, z.object(credentialsInput())))
  const method = accountMethod(gateway(), supabaseAccount(profile, 'password'))
  const request = { platform: 'cli', projectScope: projectScope(undefined) }
  return c.json(passwordBody(c, await signInDirectly(c.var.call, method, request)))
})

const noFields = once(() => z.object({}))

app.route('POST', `${BASE}/token`, {
  authority: byProtocol('ceremony'),
  operation: formOperation('Creates a token for a terminal', noFields),
})(async (c) => {
  const signedIn = await signedInOr(c.var.call, BASE)
  return form(c, {
    schema: noFields(),
    about: aboutOf(signedIn.session.id),
    render: (shown) => welcome(c, signedIn, shown),
    act: async () => {
      const { token, until } = await issueManualToken(c.var.call, signedIn)
      return renderPage(CliTokenPage({ token, until, backHref: BASE }))
    },
    once: () => c.redirect(BASE, 303),
  })
})

const callbackQuery = once(() =>
  z.object({
    code: z.optional(z.string().check(z.maxLength(500))),
    state: z.optional(z.string().check(z.maxLength(2048))),
    iss: z.optional(z.string().check(z.maxLength(500))),
    error: z.optional(z.string().check(z.maxLength(100))),
    error_description: z.optional(z.string().check(z.maxLength(1000))),
  }),
)

/** Returns the URL of the local listener of a terminal, whose port ends the state, as in `….8888`. */
function listenerOf(state: string | undefined): string | undefined {
  const port = Number(/\.(\d{4,5})$/.exec(state ?? '')?.[1])
  return port >= 1024 && port <= 65_535 ? `http://127.0.0.1:${port}` : undefined
}

/**
 * Ends the sign-in of a terminal that cannot be redirected to: passes the response to a listener on this computer if there is
 * one, and shows the code to paste. Only the session that granted the code sees it (docs/security-rules.md S11).
 */
app.route('GET', '/auth/cli-callback', {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Shows the code for a terminal on another computer', callbackQuery),
})(async (c) => {
  const query = readQuery(c, callbackQuery())
  const listener = listenerOf(query.state)
  const answer = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const to = listener && `${listener}/callback?${new URLSearchParams(answer)}`
  if (!query.code) {
    const denied = query.error === 'access_denied'
    return renderPage(CliFailedPage({ denied, to: query.error ? to : undefined }), {
      connect: listener,
      status: 400,
    })
  }
  const signedIn = await signedInOr(c.var.call, BASE, 302)
  const { code, seconds } = await issueManualCode(c.var.call, query.code, signedIn)
  return renderPage(PasteCodePage({ code, minutes: seconds / 60, to }), { connect: listener })
})

export default serve(app)

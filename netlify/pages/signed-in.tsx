import { newFormToken } from '../../shared/access/form-token.ts'
import { dashboardUrl } from '../../shared/config.ts'
import type { AppContext } from '../../shared/http/app.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { copy } from './copy.ts'
import { ButtonLink, Form, Submit } from './form-parts.tsx'
import { Fact, Layout } from './layout.tsx'
import { renderPage } from './render.ts'
import { safeHref } from './safe.ts'

type SignedInProps = { email: string; uai: string; dashboardHref?: string; signOutAction: string; csrf: string }

/** Shows a signed-in person without `return_to` who they are. */
export function SignedInPage({ email, uai, dashboardHref, signOutAction, csrf }: SignedInProps) {
  const text = copy.signedIn
  const href = safeHref(dashboardHref)
  return (
    <Layout title={text.title} lead={text.lead}>
      <dl class="facts">
        <Fact term={text.account}>
          <bdi>{email}</bdi>
        </Fact>
        <Fact term={text.uai} mono>
          {uai}
        </Fact>
      </dl>
      <Form action={signOutAction} csrf={csrf} class="actions">
        {href && <ButtonLink kind="primary" href={href} text={text.dashboard} />}
        <Submit kind="plain" text={text.signOut} />
      </Form>
    </Layout>
  )
}

/** Returns the page for a signed-in person without `return_to`. */
export function welcomePage(c: AppContext, { person, session }: SignedIn): Response {
  const { gateway } = c.var.call
  const page = SignedInPage({
    email: person.email,
    uai: person.uai,
    dashboardHref: dashboardUrl(gateway.config),
    signOutAction: '/web/logout',
    csrf: newFormToken(c.var.call, { about: session.id }),
  })
  return renderPage(page)
}

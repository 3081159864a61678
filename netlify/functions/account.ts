import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { commitAs } from '../../shared/access/authority.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { chooseLanguage, LANGUAGES, languageOfTag } from '../../shared/http/language.ts'
import { doneQuery, formOperation, pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { refuseStranding, splitIdentity } from '../../shared/people/identities.ts'
import { changeOwnProfile } from '../../shared/people/own-profile.ts'
import { ProfilePage } from '../pages/account.tsx'
import { accountButton, formOf } from '../pages/account-forms.ts'
import { words } from '../pages/account-words.ts'
import type { Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { page, sensitivePage } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const BASE = '/account'
const app = createFormApp('Account pages')
const NOTICES: Record<string, string> = words.done

function profilePage(
  c: AppContext,
  principal: PersonPrincipal,
  { error, notice, status, typed }: Partial<Shown>,
): Response {
  const { person } = principal
  const shown = { base: BASE, ...formOf(c, principal), person, typed, now: c.var.call.now(), notice, error }
  return renderPage(ProfilePage(shown), { status })
}

app.route('GET', BASE, {
  authority: page(BASE),
  operation: pageOperation('Shows the profile', doneQuery),
})((c, principal) => profilePage(c, principal, { notice: NOTICES[readQuery(c, doneQuery()).done ?? ''] }))

const LANGUAGE_TAGS = Object.keys(LANGUAGES)
const profileForm = once(() =>
  z.object({
    name: z.pipe(
      z.prefault(z.string('invalid_name').check(z.maxLength(200, 'invalid_name')), ''),
      z.transform((name: string) =>
        name
          .normalize('NFC')
          .replace(/[\p{Cc}\s]+/gu, ' ')
          .trim(),
      ),
    ),
    locale: z.optional(z.enum(['', ...LANGUAGE_TAGS], 'invalid_request')),
  }),
)

app.route('POST', `${BASE}/profile`, {
  authority: page(BASE),
  operation: formOperation('Changes the name and the language', profileForm),
})((c, principal) =>
  accountButton(c, principal, {
    home: BASE,
    schema: profileForm(),
    render: (shown) => profilePage(c, principal, shown),
    act: async (profile) => {
      await changeOwnProfile(c.var.call, principal, profile)
      const language = languageOfTag(profile.locale)
      if (language) chooseLanguage(c.var.call, language)
      return 'saved'
    },
  }),
)

const splitting = once(() => z.object({ uai: z.uuid('not_found') }))

app.route('POST', `${BASE}/split`, {
  authority: sensitivePage(BASE),
  operation: formOperation('Undoes a merge'),
})((c, principal) =>
  accountButton(c, principal, {
    home: BASE,
    schema: splitting(),
    render: (shown) => profilePage(c, principal, shown),
    act: async ({ uai }) => {
      if (!principal.person.members.includes(uai)) throw new GatewayError('not_found')
      await commitAs(c.var.call, principal, async (work) => {
        await refuseStranding(gateway(), work, uai)
        await splitIdentity(work, { uai, reason: 'person' })
      })
      return 'split'
    },
  }),
)

export default serve(app)

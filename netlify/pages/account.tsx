import { LANGUAGES, languageOfTag } from '../../shared/http/language.ts'
import type { Person } from '../../shared/queries/person.ts'
import { AccountLayout } from './account-layout.tsx'
import type { Account } from './account-sign-in.tsx'
import { words } from './account-words.ts'
import { fill } from './copy.ts'
import type { Typed } from './form.ts'
import { ButtonForm, Form, type FormError, SelectField, Submit, TextField } from './form-parts.tsx'
import { Fact, Section } from './layout.tsx'
import { TimeFact } from './time.tsx'

type ProfileProps = Account & { person: Person; typed?: Typed; notice?: string; error?: FormError }

/** Who a person is. */
export function ProfilePage({ person, typed, notice, error, ...account }: ProfileProps) {
  const { uai, email } = person
  const { name = person.name, locale = languageOfTag(person.locale) } = typed ?? {}
  return (
    <AccountLayout section="profile" lead={words.lead.profile} notice={notice} failed={Boolean(error)}>
      <Section id="about" title={words.about}>
        <Form
          action={`${account.base}/profile`}
          csrf={account.csrf}
          error={error}
          fields={['name']}
          class="spaced short"
        >
          <TextField
            name="name"
            label={words.name}
            value={name}
            maxlength={200}
            autocomplete="name"
            error={error}
            hint={words.nameHint}
          />
          <SelectField
            name="locale"
            label={words.language}
            hint={words.languageHint}
            options={{ ...(!person.locale && { '': words.noLanguage }), ...LANGUAGES }}
            chosen={locale}
          />
          <Submit text={words.save} />
        </Form>
      </Section>
      <Section id="facts" title={words.facts}>
        <dl class="facts wide">
          <Fact term={words.email}>
            <bdi>{email || words.noEmail}</bdi>
            {email && !person.emailVerified && <span class="tag">{words.unproven}</span>}
          </Fact>
          <Fact term={words.uai} mono>
            {uai}
          </Fact>
          <TimeFact term={words.since} at={person.createdAt} now={account.now} />
        </dl>
      </Section>
      <Merged {...account} merged={person.members.filter((one) => one !== uai)} />
    </AccountLayout>
  )
}

/** Lists the accounts that were merged into this one. */
function Merged({ base, csrf, merged }: Account & { merged: string[] }) {
  if (merged.length === 0) return null
  return (
    <Section id="merged" title={words.merged}>
      <ul class="cards">
        {merged.map((uai) => (
          <li class="row">
            <span class="mono">{uai}</span>
            <ButtonForm
              action={`${base}/split`}
              csrf={csrf}
              hidden={{ uai }}
              text={words.split}
              label={fill(words.splitWhich, { name: uai }).join('')}
            />
          </li>
        ))}
      </ul>
    </Section>
  )
}

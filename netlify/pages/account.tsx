import type { Person } from '../../shared/queries/person.ts'
import { AccountLayout } from './account-layout.tsx'
import type { Account } from './account-sign-in.tsx'
import { words } from './account-words.ts'
import { fill } from './copy.ts'
import { ButtonForm, type FormError, FormProblem } from './form-parts.tsx'
import { Fact, Section } from './layout.tsx'
import { displayName } from './safe.ts'
import { TimeFact } from './time.tsx'

type ProfileProps = Account & { person: Person; notice?: string; error?: FormError }

/** Who a person is. */
export function ProfilePage({ person, notice, error, ...account }: ProfileProps) {
  const { uai, name, email } = person
  return (
    <AccountLayout section="profile" lead={words.lead.profile} notice={notice} failed={Boolean(error)}>
      <FormProblem error={error} />
      <dl class="facts wide">
        {name && (
          <Fact term={words.name}>
            <bdi>{displayName(name, '')}</bdi>
          </Fact>
        )}
        <Fact term={words.email}>
          <bdi>{email || words.noEmail}</bdi>
          {email && !person.emailVerified && <span class="tag">{words.unproven}</span>}
        </Fact>
        <Fact term={words.uai} mono>
          {uai}
        </Fact>
        <TimeFact term={words.since} at={person.createdAt} now={account.now} />
      </dl>
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

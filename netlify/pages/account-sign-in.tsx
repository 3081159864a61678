import { type Factors, recoveryCodesLeft } from '../../shared/queries/factors.ts'
import type { OperatorCodeListing } from '../../shared/queries/operator-codes.ts'
import type { PasskeyRecord } from '../../shared/queries/passkeys.ts'
import { AccountLayout, Item } from './account-layout.tsx'
import { Passkeys } from './account-passkeys.tsx'
import { words } from './account-words.ts'
import { fill } from './copy.ts'
import { words as factorWords } from './factor-words.ts'
import { ButtonForm, ButtonLink, type FormError, FormProblem } from './form-parts.tsx'
import { Fact, Section } from './layout.tsx'
import { displayName, safeHref } from './safe.ts'
import { Time, TimeFact } from './time.tsx'

/** What every page of the account needs. */
export type Account = { base: string; csrf: string; now: Date }

type ShownMethod = {
  id: string
  kind: keyof typeof words.kinds
  provider?: string
  address?: string
  linkedAt: Date
}

type MethodsProps = Account & {
  methods: ShownMethod[]
  /** Providers that can also be connected. */
  providers: { name: string; href: string }[]
  /** Whether codes can be sent by text message. */
  byPhone: boolean
}

type SignInProps = MethodsProps &
  FactorsProps & {
    /** Absent where passkeys are off. */
    passkeys?: { passkeys: PasskeyRecord[]; signals: object[] }
    operatorCodes: OperatorCodeListing[]
    notice?: string
    error?: FormError
  }

/** How a person signs in. */
export function SignInMethodsPage({ base, csrf, now, ...props }: SignInProps) {
  const account = { base, csrf, now }
  const { methods, providers, byPhone, passkeys, factors, operatorCodes, notice, error } = props
  return (
    <AccountLayout section="signIn" lead={words.lead.signIn} notice={notice} failed={Boolean(error)}>
      <FormProblem error={error} />
      <SignInMethods {...account} {...{ methods, providers, byPhone }} />
      {passkeys && <Passkeys {...account} {...passkeys} />}
      <SecondFactors {...account} factors={factors} />
      <OperatorCodes codes={operatorCodes} now={now} />
    </AccountLayout>
  )
}

/** Lists a person's sign-in methods. The last one cannot be removed. */
function SignInMethods({ methods, providers, byPhone, ...account }: MethodsProps) {
  const { base } = account
  return (
    <Section id="methods" title={words.methods} note={words.methodsLead}>
      <ul class="cards">
        {methods.map((method) => (
          <Method {...method} {...account} removable={methods.length > 1} />
        ))}
      </ul>
      <p class="row actions across">
        <ButtonLink kind="small" href={`${base}/email`} text={words.addEmail} />
        {byPhone && <ButtonLink kind="small" href={`${base}/phone`} text={words.addPhone} />}
        {providers.map(({ name, href }) => (
          <ButtonLink
            kind="small"
            href={safeHref(href)}
            text={fill(words.add, { name: displayName(name, '') }).join('')}
          />
        ))}
      </p>
    </Section>
  )
}

const MARKS = { email: 'mail', phone: 'phone', password: 'lock' } as const

function Method(props: ShownMethod & Account & { removable: boolean }) {
  const { id, kind, provider = '', address, linkedAt, removable, base, csrf, now } = props
  const title = fill(words.kinds[kind], { provider: displayName(provider, words.unknown) }).join('')
  return (
    <Item
      mark={kind === 'external' ? { initial: provider } : MARKS[kind]}
      title={title}
      action={
        removable && (
          <ButtonForm
            action={`${base}/sign-in-methods/remove`}
            csrf={csrf}
            hidden={{ id }}
            text={words.remove}
            label={fill(words.removeWhat, { name: title }).join('')}
          />
        )
      }
    >
      {kind !== 'external' && address && (
        <p class="mono">
          <bdi>{address}</bdi>
        </p>
      )}
      <p class="note">
        {words.linked} <Time at={linkedAt} now={now} />
      </p>
    </Item>
  )
}

type FactorsProps = Account & {
  factors: Pick<Factors, 'authenticators' | 'passkeys' | 'recoveryCodes'>
}

/** Lists a person's second factors. */
function SecondFactors({ base, csrf, now, factors }: FactorsProps) {
  const { authenticators, passkeys } = factors
  const codesLeft = recoveryCodesLeft(factors)
  const text = factorWords.list
  return (
    <Section id="factors" title={text.title} note={text.lead}>
      {authenticators.length === 0 && <p>{text.none}</p>}
      <ul class="cards">
        {authenticators.map(({ id, enrolledAt, lastUsedAt }) => (
          <Item
            mark="shield"
            title={text.name}
            action={
              <ButtonForm
                action={`${base}/totp/remove`}
                csrf={csrf}
                hidden={{ id }}
                text={text.remove}
                label={fill(text.removeWhich, { date: enrolledAt.toISOString().slice(0, 10) }).join('')}
              />
            }
          >
            <dl class="pairs">
              <TimeFact term={text.since} at={enrolledAt} now={now} />
              <TimeFact term={text.used} at={lastUsedAt} now={now} />
            </dl>
          </Item>
        ))}
        {(codesLeft > 0 || authenticators.length > 0 || passkeys.length > 0) && (
          <Item
            mark="list"
            title={text.codes}
            action={
              <ButtonLink
                kind="small"
                href={`${base}/recovery-codes`}
                text={codesLeft > 0 ? text.replaceCodes : text.makeCodes}
              />
            }
          >
            <p class="note">
              {codesLeft > 0 ? fill(text.codesLeft, { count: String(codesLeft) }).join('') : text.codesNone}
            </p>
          </Item>
        )}
      </ul>
      <p class="row actions across">
        <ButtonLink
          kind="small"
          href={`${base}/totp`}
          text={authenticators.length === 0 ? text.add : text.addAnother}
        />
      </p>
    </Section>
  )
}

/** Lists the codes that operators created to sign in as this person. */
function OperatorCodes({ codes, now }: { codes: OperatorCodeListing[]; now: Date }) {
  const text = factorWords.operatorCodes
  if (codes.length === 0) return null
  return (
    <Section id="operator-codes" title={text.title} note={text.lead}>
      <ul class="cards">
        {codes.map(({ status, operator, second_operator, reason, requested_at }) => (
          <li>
            <dl class="pairs">
              <Fact term={text.made}>
                <Time at={requested_at} now={now} /> <span class="tag">{text.status[status]}</span>
              </Fact>
              <Fact term={text.reason}>
                <bdi>{displayName(reason, '')}</bdi>
              </Fact>
              <Fact term={text.by} mono>
                {[operator, second_operator].filter(Boolean).join(' ')}
              </Fact>
            </dl>
          </li>
        ))}
      </ul>
    </Section>
  )
}

import { type Factors, recoveryCodesLeft } from '../../shared/queries/factors.ts'
import type { OperatorCodeListing } from '../../shared/queries/operator-codes.ts'
import { words } from './account-words.ts'
import { fill } from './copy.ts'
import { words as factorWords } from './factor-words.ts'
import { ButtonForm, ButtonLink } from './form-parts.tsx'
import { Fact, Section } from './layout.tsx'
import { displayName, safeHref } from './safe.ts'
import { Time, TimeFact } from './time.tsx'

/** What every section of the account page needs. */
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

/** Lists a person's sign-in methods. The last one cannot be removed. */
export function SignInMethods({ methods, providers, byPhone, ...account }: MethodsProps) {
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

function Method(props: ShownMethod & Account & { removable: boolean }) {
  const { id, kind, provider = '', address, linkedAt, removable, base, csrf, now } = props
  const title = fill(words.kinds[kind], { provider: displayName(provider, words.unknown) }).join('')
  return (
    <li class="row">
      <div>
        <h3>{title}</h3>
        {kind !== 'external' && address && (
          <p class="mono">
            <bdi>{address}</bdi>
          </p>
        )}
        <p class="note">
          {words.linked} <Time at={linkedAt} now={now} />
        </p>
      </div>
      {removable && (
        <ButtonForm
          action={`${base}/sign-in-methods/remove`}
          csrf={csrf}
          hidden={{ id }}
          text={words.remove}
          label={fill(words.removeWhat, { name: title }).join('')}
        />
      )}
    </li>
  )
}

type FactorsProps = Account & {
  factors: Pick<Factors, 'authenticators' | 'passkeys' | 'recoveryCodes'>
}

/** Lists a person's second factors. */
export function SecondFactors({ base, csrf, now, factors }: FactorsProps) {
  const { authenticators, passkeys } = factors
  const codesLeft = recoveryCodesLeft(factors)
  const text = factorWords.list
  return (
    <Section id="factors" title={text.title} note={text.lead}>
      {authenticators.length === 0 && <p>{text.none}</p>}
      <ul class="cards">
        {authenticators.map(({ id, enrolledAt, lastUsedAt }) => (
          <li class="row">
            <div>
              <h3>{text.name}</h3>
              <dl class="pairs">
                <TimeFact term={text.since} at={enrolledAt} now={now} />
                <TimeFact term={text.used} at={lastUsedAt} now={now} />
              </dl>
            </div>
            <ButtonForm
              action={`${base}/totp/remove`}
              csrf={csrf}
              hidden={{ id }}
              text={text.remove}
              label={fill(text.removeWhich, { date: enrolledAt.toISOString().slice(0, 10) }).join('')}
            />
          </li>
        ))}
        {(codesLeft > 0 || authenticators.length > 0 || passkeys.length > 0) && (
          <li class="row">
            <div>
              <h3>{text.codes}</h3>
              <p class="note">
                {codesLeft > 0 ? fill(text.codesLeft, { count: String(codesLeft) }).join('') : text.codesNone}
              </p>
            </div>
            <ButtonLink
              kind="small"
              href={`${base}/recovery-codes`}
              text={codesLeft > 0 ? text.replaceCodes : text.makeCodes}
            />
          </li>
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

type ShownDevice = { id: string; name?: string; rememberedAt: Date; expiresAt: Date }

/** Lists the browsers in which a person is not asked for the second factor. */
export function RememberedDevices({ devices, base, csrf, now }: Account & { devices: ShownDevice[] }) {
  const text = factorWords.devices
  if (devices.length === 0) return null
  return (
    <Section id="devices" title={text.title} note={text.lead}>
      <ul class="cards">
        {devices.map(({ id, name = text.unknown, rememberedAt, expiresAt }) => (
          <li class="row">
            <div>
              <h3>{name}</h3>
              <dl class="pairs">
                <TimeFact term={text.since} at={rememberedAt} now={now} />
                <TimeFact term={text.until} at={expiresAt} now={now} />
              </dl>
            </div>
            <ButtonForm
              action={`${base}/devices/forget`}
              csrf={csrf}
              hidden={{ id }}
              text={text.forget}
              label={fill(text.forgetWhich, { name }).join('')}
            />
          </li>
        ))}
      </ul>
    </Section>
  )
}

/** Lists the codes that operators created to sign in as this person. */
export function OperatorCodes({ codes, now }: { codes: OperatorCodeListing[]; now: Date }) {
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

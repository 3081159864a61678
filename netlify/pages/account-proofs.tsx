import { Time } from './api-key-parts.tsx'
import { fill } from './copy.ts'
import { Fact, Hidden } from './layout.tsx'
import { words } from './proof-words.ts'
import { displayName } from './safe.ts'

export type ShownAuthenticator = { id: string; enrolledAt: Date; lastUsedAt: Date }

type Props = {
  base: string
  form: Record<string, string>
  authenticators: ShownAuthenticator[]
  /** Number of unused recovery codes. */
  codesLeft: number
  now: Date
}

/** Lists a person's second factors. */
export function AccountProofs({ base, form, authenticators, codesLeft, now }: Props) {
  const text = words.list
  return (
    <section aria-labelledby="proofs">
      <h2 id="proofs">{text.title}</h2>
      <p class="note">{text.lead}</p>
      {authenticators.length === 0 && <p>{text.none}</p>}
      <ul class="cards">
        {authenticators.map(({ id, enrolledAt, lastUsedAt }) => (
          <li class="row">
            <div>
              <h3>{text.name}</h3>
              <dl class="pairs">
                <Fact term={text.since}>
                  <Time at={enrolledAt} now={now} />
                </Fact>
                <Fact term={text.used}>
                  <Time at={lastUsedAt} now={now} />
                </Fact>
              </dl>
            </div>
            <form method="post" action={`${base}/totp/remove`}>
              <Hidden fields={{ ...form, id }} />
              <button
                class="button small"
                type="submit"
                aria-label={fill(text.removeWhich, { date: enrolledAt.toISOString().slice(0, 10) }).join('')}
              >
                {text.remove}
              </button>
            </form>
          </li>
        ))}
        {(codesLeft > 0 || authenticators.length > 0) && (
          <li class="row">
            <div>
              <h3>{text.codes}</h3>
              <p class="note">
                {codesLeft > 0 ? fill(text.codesLeft, { count: String(codesLeft) }).join('') : text.codesNone}
              </p>
            </div>
            <a class="button small" href={`${base}/recovery-codes`}>
              {codesLeft > 0 ? text.replaceCodes : text.makeCodes}
            </a>
          </li>
        )}
      </ul>
      <p class="row actions across">
        <a class="button small" href={`${base}/totp`}>
          {authenticators.length === 0 ? text.add : text.addAnother}
        </a>
      </p>
    </section>
  )
}

export type ShownOperatorCode = {
  status: keyof typeof words.operatorCodes.status
  operators: string[]
  reason: string
  madeAt: Date
}

/** Lists the codes that operators created to sign in as this person. */
export function OperatorCodes({ codes, now }: { codes: ShownOperatorCode[]; now: Date }) {
  const text = words.operatorCodes
  return (
    <section aria-labelledby="operator-codes">
      <h2 id="operator-codes">{text.title}</h2>
      <p class="note">{text.lead}</p>
      <ul class="cards">
        {codes.map(({ status, operators, reason, madeAt }) => (
          <li>
            <dl class="pairs">
              <Fact term={text.made}>
                <Time at={madeAt} now={now} /> <span class="tag">{text.status[status]}</span>
              </Fact>
              <Fact term={text.reason}>
                <bdi>{displayName(reason, '')}</bdi>
              </Fact>
              <Fact term={text.by}>
                {operators.map((one) => (
                  <span class="mono">{one} </span>
                ))}
              </Fact>
            </dl>
          </li>
        ))}
      </ul>
    </section>
  )
}

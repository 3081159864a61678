import { Time } from './api-key-parts.tsx'
import { fill } from './copy.ts'
import { Fact, Hidden } from './layout.tsx'
import { words } from './totp-words.ts'

export type ShownAuthenticator = { id: string; enrolledAt: Date; lastUsedAt: Date }

type Props = { base: string; form: Record<string, string>; authenticators: ShownAuthenticator[]; now: Date }

/** What a person proves themselves with besides how they sign in. */
export function AccountProofs({ base, form, authenticators, now }: Props) {
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
      </ul>
      <p class="row actions across">
        <a class="button small" href={`${base}/totp`}>
          {authenticators.length === 0 ? text.add : text.addAnother}
        </a>
      </p>
    </section>
  )
}

import type { NoticedPlace } from '../../shared/queries/sign-in-places.ts'
import type { Disowned } from '../../shared/sign-in/disown.ts'
import { fill } from './copy.ts'
import { ButtonLink, Form, type FormError, Submit } from './form-parts.tsx'
import { Fact, Layout, Section } from './layout.tsx'
import { words } from './not-me-words.ts'
import { Time, TimeFact } from './time.tsx'

type Props = { action: string; csrf: string; token: string; place: NoticedPlace; error?: FormError; now: Date }

/** Asks whether a sign-in was the person's. Opening the page changes nothing, since mail scanners open links too. */
export function NotMePage({ action, csrf, token, place, error, now }: Props) {
  return (
    <Layout title={words.title} lead={words.lead} failed={Boolean(error)}>
      <dl class="facts">
        <TimeFact term={words.when} at={place.noticedAt} now={now} />
        <Fact term={words.browser}>{place.browser ?? words.program}</Fact>
        <Fact term={words.network}>{place.network ?? ''}</Fact>
      </dl>
      <p>{words.effect}</p>
      <p class="note">{words.mine}</p>
      <Form action={action} csrf={csrf} hidden={{ n: token }} error={error}>
        <Submit text={words.confirm} />
      </Form>
    </Layout>
  )
}

/** Shows what has ended, and what was changed in that session and remains. */
export function DisownedPage({ ended, changes, now }: Disowned & { now: Date }) {
  const counts = Object.entries(ended).filter(([, count]) => count > 0)
  return (
    <Layout title={words.doneTitle} lead={words.doneLead}>
      <ul>
        {counts.map(([kind, count]) => {
          const [one, many] = words.ended[kind as keyof Disowned['ended']]
          return <li>{fill(count === 1 ? one : many, { count: String(count) }).join('')}</li>
        })}
      </ul>
      <Section id="changes" title={words.changes} note={changes.length > 0 ? words.undo : words.noChanges}>
        {changes.length > 0 && (
          <ul>
            {changes.map(({ type, at }) => (
              <li>
                {words.changed[type]} · <Time at={at} now={now} />
              </li>
            ))}
          </ul>
        )}
      </Section>
      <ButtonLink href="/account" text={words.account} kind="primary" />
    </Layout>
  )
}

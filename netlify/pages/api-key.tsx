import { AccountLayout } from './account-layout.tsx'
import { Dates, nameOf, Scopes, type ShownKey, Status } from './api-key-parts.tsx'
import { words } from './api-key-words.ts'
import { fill } from './copy.ts'
import { ButtonLink } from './form-parts.tsx'
import { Fact, Name } from './layout.tsx'
import { Time } from './time.tsx'

export type ShownEvent = { type: string; at: Date; by?: string; reason?: string }

type ApiKeyProps = {
  base: string
  shown: ShownKey
  description?: string
  services: string[]
  networks: string[]
  limits: string[]
  history: ShownEvent[]
  usage: { day: string; uses: number }[]
  now: Date
}

/** Everything about one key. */
export function ApiKeyPage({ base, shown, description, services, networks, limits, history, usage, now }: ApiKeyProps) {
  const text = words.page
  const name = nameOf(shown)
  const usable = shown.status === 'active' || shown.status === 'quarantined'
  const href = `${base}/${shown.id}`
  return (
    <AccountLayout section="keys" title={name} heading={false}>
      <p class="plain">
        <a href={base}>{words.back}</a>
      </p>
      <div class="row">
        <h1>
          <Name>{name}</Name>
        </h1>
        <Status shown={shown} now={now} />
      </div>
      {description && (
        <p class="lead">
          <bdi>{description}</bdi>
        </p>
      )}
      {shown.status === 'quarantined' && <p class="caution">{words.quarantinedWhy}</p>}
      <Dates shown={shown} now={now} />
      <dl class="facts wide">
        <ListFact term={text.key} values={[shown.preview]} mono />
        <ListFact term={text.services} values={services} />
        <ListFact term={text.networks} values={networks} mono />
        <ListFact term={text.limit} values={limits} />
      </dl>
      <h2>{words.may}</h2>
      <Scopes scopes={shown.scopes} />
      <div class="actions across">
        {usable && <ButtonLink href={`${href}/rotate`} text={words.rotate} />}
        {usable && <ButtonLink href={`${href}/revoke`} text={words.revoke} />}
        <ButtonLink href={`${href}/delete`} text={words.remove} />
      </div>
      <section class="aside" aria-labelledby="history">
        <h2 id="history">{text.history}</h2>
        <ol class="history">
          {history.map((event) => (
            <li>
              <strong>{words.events[event.type] ?? event.type}</strong> <Time at={event.at} now={now} />
              {event.by && ` ${fill(text.by, { who: event.by }).join('')}`}
              {event.reason && (
                <>
                  <br />
                  <bdi>{fill(text.because, { reason: event.reason }).join('')}</bdi>
                </>
              )}
            </li>
          ))}
        </ol>
      </section>
      <section class="aside" aria-labelledby="usage">
        <h2 id="usage">{text.usage}</h2>
        {usage.length === 0 ? <p>{text.noUse}</p> : <Usage usage={usage} />}
      </section>
    </AccountLayout>
  )
}

function ListFact({ term, values, mono }: { term: string; values: string[]; mono?: boolean }) {
  if (values.length === 0) return null
  return (
    <Fact term={term} mono={mono}>
      {values.join(', ')}
    </Fact>
  )
}

function Usage({ usage }: { usage: { day: string; uses: number }[] }) {
  const most = Math.max(...usage.map(({ uses }) => uses))
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{words.page.day}</th>
          <th scope="col">{words.page.uses_}</th>
        </tr>
      </thead>
      <tbody>
        {usage.map(({ day, uses }) => (
          <tr>
            <th scope="row">{day}</th>
            <td>
              {uses}
              <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <rect width={String(Math.max(1, Math.round((uses / most) * 100)))} height="8" />
              </svg>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

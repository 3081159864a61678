import type { SessionListing } from '../../shared/queries/sessions.ts'
import { AccountLayout, Item } from './account-layout.tsx'
import type { Account } from './account-sign-in.tsx'
import { words } from './account-words.ts'
import { fill } from './copy.ts'
import { words as factorWords } from './factor-words.ts'
import { ButtonForm, Form, type FormError, FormProblem, Submit } from './form-parts.tsx'
import type { IconName } from './icon.tsx'
import { Fact, Section } from './layout.tsx'
import { displayName } from './safe.ts'
import { TimeFact } from './time.tsx'

type ShownSession = SessionListing & { current: boolean; device?: string; ip?: string }
type ShownDevice = { id: string; name?: string; rememberedAt: Date; expiresAt: Date }

type DevicesProps = Account & {
  sessions: ShownSession[]
  devices: ShownDevice[]
  notice?: string
  error?: FormError
}

/** Where a person is signed in, and where they are not asked for the second factor. */
export function DevicesPage({ sessions, devices, notice, error, ...account }: DevicesProps) {
  return (
    <AccountLayout section="devices" lead={words.lead.devices} notice={notice} failed={Boolean(error)}>
      <FormProblem error={error} />
      <Sessions {...account} sessions={sessions} />
      <RememberedDevices {...account} devices={devices} />
    </AccountLayout>
  )
}

/** Lists where a person is signed in. */
function Sessions({ sessions, ...account }: Account & { sessions: ShownSession[] }) {
  return (
    <Section id="sessions" title={words.sessions}>
      <ul class="cards">
        {sessions.map((session) => (
          <Session {...session} {...account} />
        ))}
      </ul>
      {sessions.length > 1 && (
        <Form action="/account/sessions/end" csrf={account.csrf} hidden={{ which: 'others' }} class="actions">
          <Submit kind="plain" text={words.endOthers} />
        </Form>
      )}
    </Section>
  )
}

/** Returns the picture of a device. Programs have a terminal. */
function markOf(platform: string, device = ''): IconName {
  if (platform !== 'web') return 'terminal'
  return /iPhone|iPad|Android/.test(device) ? 'phone' : 'computer'
}

function Session({ id, current, device, ip, csrf, now, ...used }: ShownSession & Account) {
  const name = displayName(device ?? '', words.unknown)
  return (
    <Item
      mark={markOf(used.platform, device)}
      title={name}
      tag={current && <span class="tag good">{words.here}</span>}
      action={
        !current && (
          <ButtonForm
            action="/account/sessions/end"
            csrf={csrf}
            hidden={{ which: id }}
            text={words.end}
            label={fill(words.endWhich, { name }).join('')}
          />
        )
      }
    >
      <dl class="pairs">
        <TimeFact term={words.lastSeen} at={used.last_seen_at ?? used.started_at} now={now} />
        <TimeFact term={words.started} at={used.started_at} now={now} />
        {ip && <Fact term={words.from}>{ip}</Fact>}
      </dl>
    </Item>
  )
}

/** Lists the browsers in which a person is not asked for the second factor. */
function RememberedDevices({ devices, csrf, now }: Account & { devices: ShownDevice[] }) {
  const text = factorWords.devices
  if (devices.length === 0) return null
  return (
    <Section id="remembered" title={text.title} note={text.lead}>
      <ul class="cards">
        {devices.map(({ id, name = text.unknown, rememberedAt, expiresAt }) => (
          <Item
            mark={markOf('web', name)}
            title={name}
            action={
              <ButtonForm
                action="/account/devices/forget"
                csrf={csrf}
                hidden={{ id }}
                text={text.forget}
                label={fill(text.forgetWhich, { name }).join('')}
              />
            }
          >
            <dl class="pairs">
              <TimeFact term={text.since} at={rememberedAt} now={now} />
              <TimeFact term={text.until} at={expiresAt} now={now} />
            </dl>
          </Item>
        ))}
      </ul>
    </Section>
  )
}

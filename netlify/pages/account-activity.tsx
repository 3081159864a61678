import type { MessageRecord } from '../../shared/queries/messages.ts'
import { AccountLayout, Item } from './account-layout.tsx'
import { words } from './account-words.ts'
import { Section } from './layout.tsx'
import { Time } from './time.tsx'

/** What happened in a person's account, and what was sent to them. */
export function ActivityPage({ messages, now }: { messages: MessageRecord[]; now: Date }) {
  return (
    <AccountLayout section="activity" lead={words.lead.activity}>
      <Messages messages={messages} now={now} />
    </AccountLayout>
  )
}

/** Returns what a message with this template is for. */
function kindOf(template: string): 'code' | 'link' | 'notice' {
  if (template.startsWith('otp.')) return 'code'
  return template.startsWith('magic_link.') ? 'link' : 'notice'
}

/** Lists the recent messages to a person with the delivery status from the providers. */
function Messages({ messages, now }: { messages: MessageRecord[]; now: Date }) {
  const text = words.messages
  if (messages.length === 0) return null
  return (
    <Section id="messages" title={text.title} note={text.lead}>
      <ul class="cards">
        {messages.map(({ channel, template, status, queued_at }) => (
          <Item
            mark={channel === 'sms' ? 'phone' : 'mail'}
            title={text[kindOf(template)][channel]}
            tag={<span class={status === 'delivered' ? 'tag good' : 'tag'}>{text.status[status]}</span>}
          >
            <p class="note">
              <Time at={queued_at} now={now} />
            </p>
          </Item>
        ))}
      </ul>
    </Section>
  )
}

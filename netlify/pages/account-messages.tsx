import { words } from './account-words.ts'
import { Time } from './api-key-parts.tsx'

export type ShownMessage = {
  channel: 'email' | 'sms'
  kind: 'code' | 'link' | 'notice'
  status: keyof typeof words.messages.status
  sentAt: Date
}

/** Lists the recent messages to a person with the delivery status from the providers. */
export function AccountMessages({ messages, now }: { messages: ShownMessage[]; now: Date }) {
  const text = words.messages
  if (messages.length === 0) return null
  return (
    <section aria-labelledby="messages">
      <h2 id="messages">{text.title}</h2>
      <p class="note">{text.lead}</p>
      <ul class="cards">
        {messages.map(({ channel, kind, status, sentAt }) => (
          <li class="row">
            <div>
              <h3>{text[kind][channel]}</h3>
              <p class="note">
                <Time at={sentAt} now={now} />
              </p>
            </div>
            <span class={status === 'delivered' ? 'tag good' : 'tag'}>{text.status[status]}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

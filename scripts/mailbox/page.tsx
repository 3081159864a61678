import type { StoredMessage } from './messages.ts'

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='9' fill='%230b5c52'/%3E%3Cpath d='M7 10.5h18v11H7zM7 11l9 6.5 9-6.5' fill='none' stroke='%23fff' stroke-width='2.2' stroke-linejoin='round'/%3E%3C/svg%3E"

interface View {
  messages: StoredMessage[]
  opened?: StoredMessage
  /** The part that a narrow screen shows: the list, or the opened message. */
  view: 'list' | 'message'
  /** Only messages to this address are listed. */
  to?: string
}

/** The mailbox page: the list next to the opened message; one of the two on a narrow screen. */
export function MailboxPage({ messages, opened, view, to }: View) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>{view === 'message' && opened ? `${titleOf(opened)} · Mailbox` : 'Local mailbox'}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href={ICON} />
        <link rel="stylesheet" href="/mailbox.css" />
        <script src="/mailbox.js" defer />
      </head>
      <body class={`console ${view}`} data-newest={messages[0]?.id ?? ''}>
        <header class="row">
          <h1>
            <a class="brand" href="/">
              <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                <rect class="mark-ground" width="32" height="32" rx="9" />
                <path class="mark-line" d="M7 10.5h18v11H7zM7 11l9 6.5 9-6.5" />
              </svg>
              Local mailbox
            </a>
          </h1>
          <p class="hint note">
            Mail and text messages of the local gateway. Nothing is really sent. Keeps the last 200 until it stops.
          </p>
        </header>
        <main>
          <nav id="list" aria-label="Messages">
            <Filter to={to} />
            <List messages={messages} opened={opened} to={to} />
          </nav>
          <section id="opened" aria-label="Opened message">
            {opened ? <Opened message={opened} to={to} /> : <Nothing view={view} to={to} />}
          </section>
        </main>
        <p class="hidden" role="status" id="status" />
      </body>
    </html>
  )
}

function Filter({ to }: { to?: string }) {
  return (
    <form class="search" method="get" action="/">
      <label for="to">Show messages to</label>
      <input id="to" name="to" type="text" value={to} placeholder="any address or number" autocomplete="off" />
      <button class="button small" type="submit">
        Show
      </button>
    </form>
  )
}

function List({ messages, opened, to }: Omit<View, 'view'>) {
  if (messages.length === 0) return <p class="empty">No messages yet.</p>
  return (
    <ol class="messages">
      {messages.map((message) => (
        <li class={message.id === opened?.id ? 'current' : undefined}>
          <a href={messagePath(message, to)} aria-current={message.id === opened?.id ? 'page' : undefined}>
            <span class="row">
              <span class="to">{message.to.join(', ')}</span>
              <Time iso={message.received_at} />
            </span>
            <span class="subject">{titleOf(message)}</span>
          </a>
          {message.code && <Code code={message.code} />}
        </li>
      ))}
    </ol>
  )
}

function Opened({ message, to }: { message: StoredMessage; to?: string }) {
  return (
    <article>
      <a class="back" href={to ? `/?to=${encodeURIComponent(to)}` : '/'}>
        ← All messages
      </a>
      <h2>{titleOf(message)}</h2>
      <dl>
        <dt>To</dt>
        <dd>{message.to.join(', ')}</dd>
        <dt>From</dt>
        <dd>{message.from}</dd>
        <dt>Received</dt>
        <dd>
          <Time iso={message.received_at} />
        </dd>
      </dl>
      {message.code && (
        <div class="big">
          <Code code={message.code} style="primary" />
        </div>
      )}
      {message.html && (
        <iframe title="The message as mail clients show it" src={`/messages/${message.id}/html`} sandbox="" />
      )}
      {message.channel === 'sms' ? (
        <div class="telephone">
          <p class="bubble">{message.text}</p>
        </div>
      ) : (
        <details open={!message.html}>
          <summary>Plain text</summary>
          <pre class="listing">{message.text}</pre>
        </details>
      )}
    </article>
  )
}

/** Returns the title of a message; a text message has no subject, and its first words would be its code. */
const titleOf = ({ channel, subject }: StoredMessage) => (channel === 'sms' ? 'Text message' : subject)

function Nothing({ view, to }: Pick<View, 'view' | 'to'>) {
  return (
    <div class="nothing">
      <h2>{view === 'message' ? 'This message is gone' : 'Waiting for messages'}</h2>
      <p>
        {view === 'message'
          ? 'The mailbox keeps the last 200 messages until it stops.'
          : `Request a sign-in code from the gateway${to ? ` for ${to}` : ''}. It appears here automatically.`}
      </p>
    </div>
  )
}

function Code({ code, style = '' }: { code: string; style?: 'primary' | '' }) {
  return (
    <span class="row">
      <span class="digits mono">{code}</span>
      <button type="button" class={`button small copy ${style}`} data-code={code} aria-label={`Copy code ${code}`}>
        Copy
      </button>
    </span>
  )
}

function Time({ iso }: { iso: string }) {
  return <time datetime={iso}>{new Date(iso).toLocaleTimeString('en-GB')}</time>
}

function messagePath(message: StoredMessage, to: string | undefined): string {
  return `/messages/${message.id}${to ? `?to=${encodeURIComponent(to)}` : ''}`
}

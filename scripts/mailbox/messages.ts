import { addressLookup } from '../../shared/typed/address.ts'

const KEEP = 200

/** A message as `/messages.json` shows it. */
export interface StoredMessage {
  id: string
  channel: 'email' | 'sms'
  to: string[]
  from: string
  /** Empty for a text message, as is `html`. */
  subject: string
  text: string
  html: string
  /** The one-time code in it, if there is one. */
  code: string | null
  /** ISO 8601. */
  received_at: string
}

export type Messages = ReturnType<typeof createMessages>

/** Keeps the last 200 messages in memory. */
export function createMessages() {
  const messages: StoredMessage[] = []
  return {
    add(message: StoredMessage): void {
      messages.unshift(message)
      messages.splice(KEEP)
    },
    find: (id: string) => messages.find((message) => message.id === id),
    /** Newest first; only those to `to` when it is given, however it is spelt. */
    list(to?: string): StoredMessage[] {
      const recipient = to && addressLookup(to)
      return recipient
        ? messages.filter((message) => message.to.some((address) => addressLookup(address) === recipient))
        : messages
    },
  }
}

type Received = Pick<StoredMessage, 'id' | 'channel' | 'to' | 'from' | 'text'> & { subject?: string; html?: string }

/** Returns a message that arrives now, with the code in it. */
export const received = (message: Received): StoredMessage => ({
  ...{ subject: '', html: '', ...message },
  code: findCode(message.text),
  received_at: new Date().toISOString(),
})

/** Returns the one-time code in a text: a line with nothing else if there is one, else the first group of 6 to 8 digits. */
export function findCode(text: string): string | null {
  return /^[ \t]*(\d{6,8})[ \t]*$/m.exec(text)?.[1] ?? /(?<![\w#.-])\d{6,8}(?![\w-]|\.\w)/.exec(text)?.[0] ?? null
}

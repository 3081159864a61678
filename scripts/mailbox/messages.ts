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

export interface Messages {
  add(message: StoredMessage): void
  find(id: string): StoredMessage | undefined
  /** Newest first; only those to `to` when it is given, however it is spelt. */
  list(to?: string): StoredMessage[]
}

/** Keeps the last 200 messages in memory. */
export function createMessages(): Messages {
  const messages: StoredMessage[] = []
  return {
    add(message) {
      messages.unshift(message)
      messages.splice(KEEP)
    },
    find: (id) => messages.find((message) => message.id === id),
    list(to) {
      const recipient = to && addressLookup(to)
      return recipient
        ? messages.filter((message) => message.to.some((address) => addressLookup(address) === recipient))
        : messages
    },
  }
}

/** Returns the one-time code in a text: a line with nothing else if there is one, else the first group of 6 to 8 digits. */
export function findCode(text: string): string | null {
  return /^[ \t]*(\d{6,8})[ \t]*$/m.exec(text)?.[1] ?? /(?<![\w#.-])\d{6,8}(?![\w-]|\.\w)/.exec(text)?.[0] ?? null
}

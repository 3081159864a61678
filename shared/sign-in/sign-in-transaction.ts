import { uuidv7 } from 'uuidv7'
import { browserKey, keepBrowserKey } from '../access/browser-key.ts'
import { afterwards, formStatesOf } from '../access/form-states.ts'
import { safeReturnTo } from '../access/return-to.ts'
import type { Call } from '../call.ts'
import type { Brand } from '../delivery/deliver.ts'
import { LIFETIME_SECONDS } from '../domain/otp-challenge.ts'
import type { Gateway } from '../gateway.ts'
import { clientIdOf, unverifiedClientHost } from '../oauth/authorize/authorize-url.ts'
import type { CodeAddress } from '../people/code-address.ts'
import type { ProvenAccount } from '../people/external-account.ts'
import { findClient } from '../queries/api-clients.ts'
import { hashToken } from '../tokens/opaque.ts'
import { brandOf } from './otp/send-code.ts'

/** Longer than a code lives, so that who comes back late gets a new one without beginning again. */
const SECONDS = 3600

/** A sign-in under way in one tab. It is kept for the browser alone that began it, so its id is no authority. */
export type SignInTransaction = {
  /** Names it in the forms and addresses of its tab. */
  id: string
  /** What the field for the address starts with. */
  email?: string
  /** Where the code went, and the challenge it is for. */
  to?: CodeAddress
  challengeId?: string
  /** Until when newcomers at the number's country get no text messages, in milliseconds. */
  pausedUntil?: number
  returnTo?: string
  /** An account at another provider that was proven here and waits to be linked, once the person has proven to be themselves. */
  link?: ProvenAccount
}

const nameOf = (id: string) => `sign-in ${id}`

/** A sign-in that a tab begins; nothing is kept of it before there is something to keep. */
export const newTransaction = (facts: Omit<SignInTransaction, 'id'> = {}): SignInTransaction => ({
  id: uuidv7(),
  ...facts,
})

/** The sign-in of that id, if this browser began it and it is not over. */
export async function findTransaction(call: Call, id: string | undefined): Promise<SignInTransaction | undefined> {
  const browser = browserKey(call)
  if (!browser || !id) return undefined
  const kept = await formStatesOf(call.gateway, browser).find<Omit<SignInTransaction, 'id'>>(nameOf(id))
  return kept && { id, ...kept }
}

/** The sign-in of that id, or one that begins under that id, on the way to where the form says. */
export async function openTransaction(
  call: Call,
  id: string | undefined,
  returnTo: string | undefined,
): Promise<SignInTransaction> {
  const found = await findTransaction(call, id)
  return found ?? { ...newTransaction({ returnTo: safeReturnTo(call.gateway.config, returnTo) }), ...(id && { id }) }
}

/** A sign-in whose code was sent. */
export type WaitingTransaction = SignInTransaction & Required<Pick<SignInTransaction, 'to' | 'challengeId'>>

export async function findWaiting(call: Call, id: string | undefined): Promise<WaitingTransaction | undefined> {
  const found = await findTransaction(call, id)
  return found?.to && found.challengeId ? { ...found, to: found.to, challengeId: found.challengeId } : undefined
}

export async function keepTransaction(call: Call, transaction: SignInTransaction): Promise<void> {
  const { id, ...kept } = transaction
  await formStatesOf(call.gateway, keepBrowserKey(call)).keep(nameOf(id), kept, SECONDS)
}

/** Ends a sign-in: whatever is sent for it from now on begins anew, or goes on as who is signed in. */
export async function endTransaction(call: Call, { id }: SignInTransaction): Promise<void> {
  await afterwards(formStatesOf(call.gateway, keepBrowserKey(call)).forget(nameOf(id)))
}

/** What a challenge keeps of the browser that asked for it. */
export const browserHashOf = (call: Call): string => hashToken(keepBrowserKey(call))

/** The application that a sign-in is on the way to, as its pages name it; with the host that its answers go to, when it is not verified. */
export async function destinationOf(
  gateway: Gateway,
  returnTo: string | undefined,
): Promise<{ clientName?: string; clientHost?: string; brand?: Brand }> {
  const clientId = clientIdOf(returnTo)
  const client = clientId ? await findClient(gateway.reads, clientId) : undefined
  const shown = client?.status === 'active' ? client : undefined
  return {
    clientName: shown?.metadata.client_name,
    clientHost: shown && unverifiedClientHost(shown, returnTo),
    brand: brandOf(client),
  }
}

/** A page of a sign-in under way, with where it goes on to, in case the sign-in itself is lost. */
export function transactionUrl(path: string, { id, returnTo }: SignInTransaction, more: Record<string, string> = {}) {
  return `${path}?${new URLSearchParams({ t: id, ...more, ...(returnTo && { return_to: returnTo }) })}`
}

/** The sent code that this browser waits for at an address, by which a second tab finds it too. */
type Sent = Pick<WaitingTransaction, 'to' | 'challengeId'>

const sentName = ({ channel, lookup }: CodeAddress) => `sent ${channel} ${lookup}`

export async function noteSent(call: Call, sent: Sent): Promise<void> {
  await formStatesOf(call.gateway, keepBrowserKey(call)).keep(sentName(sent.to), sent, LIFETIME_SECONDS)
}

export async function findSent(call: Call, to: CodeAddress): Promise<Sent | undefined> {
  const browser = browserKey(call)
  return browser ? formStatesOf(call.gateway, browser).find<Sent>(sentName(to)) : undefined
}

/**
 * Where this browser goes on to once the person has followed a link in a mail, which cannot know it: the mail is asked for in one tab
 * and its link opens another.
 */
export const findMailGoal = async (call: Call): Promise<string | undefined> => {
  const browser = browserKey(call)
  return browser ? formStatesOf(call.gateway, browser).find<string>('mail goal') : undefined
}

export async function noteMailGoal(call: Call, returnTo: string | undefined): Promise<void> {
  const states = formStatesOf(call.gateway, keepBrowserKey(call))
  await (returnTo ? states.keep('mail goal', returnTo, SECONDS) : states.forget('mail goal'))
}

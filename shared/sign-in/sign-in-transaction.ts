import { browserKey, keepBrowserKey } from '../access/browser-key.ts'
import { afterwards, formStatesOf } from '../access/form-states.ts'
import { safeReturnTo } from '../access/return-to.ts'
import type { Call } from '../call.ts'
import type { Brand } from '../delivery/deliver.ts'
import { LIFETIME_SECONDS } from '../domain/otp-challenge.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { clientIdOf, unverifiedClientHost } from '../oauth/authorize/authorize-url.ts'
import type { CodeAddress } from '../people/code-address.ts'
import type { ProvenAccount } from '../people/external-account.ts'
import { findClient } from '../queries/api-clients.ts'
import { hashToken } from '../tokens/opaque.ts'
import { brandOf } from './send-code.ts'

/** Longer than the lifetime of a code, so that a person who returns late gets a new code without starting again. */
const SECONDS = 3600

/** A sign-in in progress in one tab. It is stored for the browser that started it, so its id grants no access. */
export type SignInTransaction = {
  /** Identifies it in the forms and URLs of its tab. */
  id: string
  /** Initial value of the address field. */
  email?: string
  /** Where the code was sent, and its challenge. */
  to?: CodeAddress
  challengeId?: string
  /** Until when new numbers of the country get no text messages, in milliseconds. */
  pausedUntil?: number
  returnTo?: string
  /** An account at another provider, proven here, that is linked once the person has authenticated. */
  link?: ProvenAccount
}

const nameOf = (id: string) => `sign-in ${id}`

/** Creates a sign-in for a tab; it is not stored yet. */
export const newTransaction = (facts: Omit<SignInTransaction, 'id'> = {}): SignInTransaction => ({
  id: newId(),
  ...facts,
})

/** Returns the sign-in with this id if this browser started it and it has not ended. */
export async function findTransaction(call: Call, id: string | undefined): Promise<SignInTransaction | undefined> {
  const browser = browserKey(call)
  if (!browser || !id) return undefined
  const kept = await formStatesOf(call.gateway, browser).find<Omit<SignInTransaction, 'id'>>(nameOf(id))
  return kept && { id, ...kept }
}

/** Returns the sign-in with this id, or a new one with it and the form's return address. */
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

/** Ends a sign-in: later requests for it start again, or continue as the signed-in person. */
export async function endTransaction(call: Call, { id }: SignInTransaction): Promise<void> {
  await afterwards(formStatesOf(call.gateway, keepBrowserKey(call)).forget(nameOf(id)))
}

/** Returns what a challenge stores of the browser that requested it. */
export const browserHashOf = (call: Call): string => hashToken(keepBrowserKey(call))

/** Returns the application that a sign-in leads to, as pages name it; with its redirect host if it is not verified. */
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

/** Returns the URL of a page of this sign-in, with its return address in case the stored sign-in is lost. */
export function transactionUrl(path: string, { id, returnTo }: SignInTransaction, more: Record<string, string> = {}) {
  return `${path}?${new URLSearchParams({ t: id, ...more, ...(returnTo && { return_to: returnTo }) })}`
}

/** The code that was sent to an address for this browser; all its tabs find it. */
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
 * Returns where this browser continues after the person followed a link in a mail: the mail is requested in one tab
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

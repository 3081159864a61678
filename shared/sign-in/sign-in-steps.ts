import { browserSession } from '../access/authenticate.ts'
import { keepBrowserKey } from '../access/browser-key.ts'
import { projectScope } from '../access/project-scope.ts'
import { signInEnd, withGoal } from '../access/return-to.ts'
import type { Call } from '../call.ts'
import { passkeysAreOn } from '../config.ts'
import { GatewayError } from '../errors.ts'
import type { SessionCookies } from '../http/cookies.ts'
import type { CodeAddress } from '../people/code-address.ts'
import { findDomain } from '../queries/connections.ts'
import { mayOfferPasskey } from '../queries/passkeys.ts'
import type { Person } from '../queries/person.ts'
import { emailDomain } from '../typed/email.ts'
import { completeSignIn } from './complete.ts'
import { codeMethod, findChallenge, stateOfChallenge } from './one-time-code.ts'
import { passkeyMethod, presentPasskey } from './passkey/authentication.ts'
import { assertion, readCredential } from './passkey/credential.ts'
import { sendCode } from './send-code.ts'
import {
  browserHashOf,
  destinationOf,
  endTransaction,
  findSent,
  keepTransaction,
  noteSent,
  type SignInTransaction,
  transactionUrl,
  type WaitingTransaction,
} from './sign-in-transaction.ts'

/** Where a browser continues. */
export type Redirection = {
  location: string
  /** Cookies of the session that was started. */
  cookies?: SessionCookies
  /** The error, if another factor is required first. */
  refused?: GatewayError
}

/** Sends a code to an address, for one tab of this browser. @throws GatewayError as sendCode */
export async function sendTo(call: Call, transaction: SignInTransaction, to: CodeAddress): Promise<SignInTransaction> {
  const { challengeId: replaces, returnTo } = transaction
  const { clientName: name, clientHost, brand } = await destinationOf(call.gateway, returnTo)
  const clientName = clientHost === undefined ? name : undefined
  const asked = { to, browserHash: browserHashOf(call), replaces, clientName, brand }
  const { id: challengeId, pause } = await sendCode(call, asked)
  const pausedUntil = pause > 0 ? call.gateway.now().getTime() + pause * 1000 : undefined
  const sent = { ...transaction, to, challengeId, pausedUntil }
  await keepTransaction(call, sent)
  await noteSent(call, { to, challengeId })
  return sent
}

/** Returns the code that was sent to an address for any tab of this browser and can still be entered. */
async function findOpenCode(call: Call, to: CodeAddress) {
  const sent = await findSent(call, to)
  if (!sent) return undefined
  const { challenge } = await findChallenge(call, sent)
  const state = stateOfChallenge(challenge)
  return state.status === 'open' && state.expiresAt > call.gateway.now() ? sent : undefined
}

/**
 * Sends the code of a sign-in. If no other code may be sent yet, the page asks for the previous one of this browser.
 * @returns the address of the page that asks for the code, or of the provider for addresses of a connection's domain
 * @throws GatewayError as sendCode
 */
export async function askForCode(call: Call, transaction: SignInTransaction, to: CodeAddress): Promise<string> {
  const domain = to.channel === 'sms' || transaction.link ? undefined : emailDomain(to.address)
  const connection = domain ? await findDomain(call.gateway.reads, domain) : undefined
  if (connection) return connectionUrl(transaction, { slug: connection.slug, email: to.address })
  const email = to.channel === 'email' ? to.address : transaction.email
  const sent = await sendTo(call, { ...transaction, email }, to).catch(async (error: unknown) => {
    if (!(error instanceof GatewayError) || error.refusal !== 'otp_rate_limited') throw error
    const earlier = await findOpenCode(call, to)
    if (!earlier) throw error
    const waiting = { ...transaction, email, ...earlier }
    await keepTransaction(call, waiting)
    return waiting
  })
  return transactionUrl('/web/code', sent)
}

/** Returns the URL that starts a sign-in at the provider of an address. */
export function connectionUrl(
  { returnTo }: Pick<SignInTransaction, 'returnTo'>,
  { slug, email }: { slug: string; email: string },
): string {
  const query = { provider: slug, login_hint: email, ...(returnTo && { redirect_uri: returnTo }) }
  return `/v1/auth/oauth?${new URLSearchParams(query)}`
}

/** The page that offers a passkey before the person continues, if they may want one. */
async function offerPasskey({ gateway }: Call, person: Person, location: string): Promise<string> {
  const isOffered = passkeysAreOn(gateway.config) && (await mayOfferPasskey(gateway.reads, person))
  return isOffered ? withGoal('/account/passkeys/offer', location) : location
}

/**
 * Signs this browser in with the code of a sign-in.
 * @param canKeepPasskeys whether the device says that it can, so that one is offered
 * @throws GatewayError as completeSignIn
 */
export async function enterCode(
  call: Call,
  transaction: WaitingTransaction,
  code: string,
  canKeepPasskeys = false,
): Promise<Redirection> {
  const { to, challengeId, link, returnTo } = transaction
  const browserHash = browserHashOf(call)
  const replaces = await browserSession(call)
  const request = { platform: 'web', projectScope: projectScope(undefined), replaces, page: { returnTo } }
  const enter = (id: string) =>
    completeSignIn(call, codeMethod(call, { to, code, challengeId: id, browserHash, link }), request)
  const entered = await enter(challengeId).catch(async (error: unknown) => {
    if (!(error instanceof GatewayError) || error.refusal !== 'otp_invalid') throw error
    // Another tab of this browser has used the code or requested a newer one.
    if (!link && (await isSignedInAs(call, transaction))) return undefined
    const newest = await findOpenCode(call, to)
    if (!newest || newest.challengeId === challengeId) throw error
    return enter(newest.challengeId)
  })
  await endTransaction(call, transaction)
  const location = returnTo ?? signInEnd(call.gateway.config)
  const offers = canKeepPasskeys && entered
  return { location: offers ? await offerPasskey(call, entered.person, location) : location, cookies: entered?.cookies }
}

/**
 * Signs this browser in with a passkey.
 * @param text the credential as the page's script sent it
 * @throws GatewayError passkey_expired, passkey_invalid, and as completeSignIn
 */
export async function enterPasskey(call: Call, transaction: SignInTransaction, text: string): Promise<Redirection> {
  const use = { purpose: 'sign_in' as const, holder: keepBrowserKey(call) }
  const presented = await presentPasskey(call.gateway, readCredential(assertion(), text), use)
  const request = { platform: 'web', projectScope: projectScope(undefined), replaces: await browserSession(call) }
  const { cookies } = await completeSignIn(call, passkeyMethod(call, presented), request)
  await endTransaction(call, transaction)
  return { location: transaction.returnTo ?? signInEnd(call.gateway.config), cookies }
}

/** Whether another tab has used the code of a sign-in and signed this browser in. */
async function isSignedInAs(call: Call, { to, challengeId }: WaitingTransaction): Promise<boolean> {
  const signedIn = await browserSession(call)
  if (!signedIn) return false
  const { challenge, person } = await findChallenge(call, { to, challengeId })
  const isUsed = challenge?.events.some(({ type }) => type === 'OtpChallengeConsumed')
  return isUsed === true && person !== undefined && signedIn.person.members.includes(person.uai)
}

/**
 * Returns where a person proves their mailbox first: an account is not linked by address only, and a hook may require more.
 * @throws the error, if no other factor resolves it
 */
export async function proveMailboxFirst(
  call: Call,
  error: unknown,
  transaction: SignInTransaction,
): Promise<Redirection> {
  if (!needsMailbox(error)) throw error
  await keepTransaction(call, transaction)
  return { location: transactionUrl('/web/login', transaction, { error: error.refusal }), refused: error }
}

/** Whether a sign-in was refused for a factor that the person can still provide. */
export const needsMailbox = (error: unknown): error is GatewayError =>
  error instanceof GatewayError && (error.refusal === 'link_needed' || error.refusal === 'more_proof_needed')

import { browserSession } from '../access/authenticate.ts'
import { projectScope } from '../access/project-scope.ts'
import { signInEnd } from '../access/return-to.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import type { CodeAddress } from '../people/code-address.ts'
import { findDomain } from '../queries/connections.ts'
import { emailDomain } from '../typed/email.ts'
import { signBrowserIn } from './browser-sign-in.ts'
import { findChallenge, signInWithCode, stateOfChallenge } from './otp/one-time-code.ts'
import { sendCode } from './otp/send-code.ts'
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

/** Sends a code to an address, for one tab of this browser. @throws GatewayError as sendCode */
export async function sendTo(
  gateway: Gateway,
  c: AppContext,
  transaction: SignInTransaction,
  to: CodeAddress,
): Promise<SignInTransaction> {
  const { challengeId: replaces, returnTo } = transaction
  const { clientName: name, clientHost, brand } = await destinationOf(gateway, returnTo)
  const clientName = clientHost === undefined ? name : undefined
  const asked = { to, browserHash: browserHashOf(c), replaces, clientName, brand }
  const { id: challengeId, pause } = await sendCode(gateway, c, asked)
  const pausedUntil = pause > 0 ? gateway.now().getTime() + pause * 1000 : undefined
  const sent = { ...transaction, to, challengeId, pausedUntil }
  await keepTransaction(gateway, c, sent)
  await noteSent(gateway, c, { to, challengeId })
  return sent
}

/** The code that this browser was sent at an address, in whatever tab, and that can still be entered. */
async function findOpenCode(gateway: Gateway, c: AppContext, to: CodeAddress) {
  const sent = await findSent(gateway, c, to)
  if (!sent) return undefined
  const { challenge } = await findChallenge(gateway, c, sent)
  const state = stateOfChallenge(challenge)
  return state.status === 'open' && state.expiresAt > gateway.now() ? sent : undefined
}

/**
 * Sends the code of a sign-in and leads to the page that asks for it; an address of a connection's domain leads there instead. Where
 * no other code may be sent yet, the one that this browser was sent already is asked for.
 * @throws GatewayError as sendCode
 */
export async function askForCode(
  gateway: Gateway,
  c: AppContext,
  transaction: SignInTransaction,
  to: CodeAddress,
): Promise<Response> {
  const domain = to.channel === 'sms' || transaction.link ? undefined : emailDomain(to.address)
  const connection = domain ? await findDomain(gateway.reads, domain) : undefined
  if (connection) return toConnection(c, transaction, { slug: connection.slug, email: to.address })
  const email = to.channel === 'email' ? to.address : transaction.email
  const sent = await sendTo(gateway, c, { ...transaction, email }, to).catch(async (error: unknown) => {
    if (!(error instanceof GatewayError) || error.refusal !== 'otp_rate_limited') throw error
    const earlier = await findOpenCode(gateway, c, to)
    if (!earlier) throw error
    const waiting = { ...transaction, email, ...earlier }
    await keepTransaction(gateway, c, waiting)
    return waiting
  })
  return c.redirect(transactionUrl('/web/code', sent), 303)
}

/** On to the provider that people of an address sign in at. */
export function toConnection(
  c: AppContext,
  { returnTo }: Pick<SignInTransaction, 'returnTo'>,
  { slug, email }: { slug: string; email: string },
): Response {
  const query = { provider: slug, login_hint: email, ...(returnTo && { redirect_uri: returnTo }) }
  return c.redirect(`/v1/auth/oauth?${new URLSearchParams(query)}`, 303)
}

/**
 * Signs this browser in with the code of a sign-in, and goes on to where it was going.
 * @throws GatewayError as signInWithCode
 */
export async function enterCode(
  gateway: Gateway,
  c: AppContext,
  transaction: WaitingTransaction,
  code: string,
): Promise<Response> {
  const { to, challengeId, link, returnTo } = transaction
  const presented = { to, code, challengeId, browserHash: browserHashOf(c), link }
  const replaces = await browserSession(gateway, c)
  const asked = { ...presented, platform: 'web', projectScope: projectScope(undefined), replaces }
  const enter = (given: typeof asked) => signInWithCode(gateway, c, given, (_work, signedIn) => signedIn)
  const entered = await enter(asked).catch(async (error: unknown) => {
    if (!(error instanceof GatewayError) || error.refusal !== 'otp_invalid') throw error
    // Another tab of this browser has used the code, or asked for a newer one since.
    if (!link && (await isSignedInAs(gateway, c, transaction))) return undefined
    const newest = await findOpenCode(gateway, c, to)
    if (!newest || newest.challengeId === challengeId) throw error
    return enter({ ...asked, challengeId: newest.challengeId })
  })
  await endTransaction(gateway, c, transaction)
  return entered ? enterBrowser(gateway, c, entered, returnTo) : c.redirect(returnTo ?? signInEnd(gateway.config), 303)
}

/** Whether this browser is signed in with the code of a sign-in, which another of its tabs has entered. */
async function isSignedInAs(
  gateway: Gateway,
  c: AppContext,
  { to, challengeId }: WaitingTransaction,
): Promise<boolean> {
  const signedIn = await browserSession(gateway, c)
  if (!signedIn) return false
  const { challenge, person } = await findChallenge(gateway, c, { to, challengeId })
  const isUsed = challenge?.events.some(({ type }) => type === 'OtpChallengeConsumed')
  return isUsed === true && person !== undefined && signedIn.person.members.includes(person.uai)
}

/** Signs this browser in, which goes on to where it was going. */
export function enterBrowser(
  gateway: Gateway,
  c: AppContext,
  signedIn: Parameters<typeof signBrowserIn>[2],
  returnTo: string | undefined,
): Response {
  signBrowserIn(gateway, c, signedIn)
  return c.redirect(returnTo ?? signInEnd(gateway.config), 303)
}

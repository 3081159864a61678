import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

/** Lifetime of a pushed request in seconds, before a browser opens it and then during sign-in (RFC 9126 section 2.2). */
export const PUSHED_SECONDS = 90
const OPENED_SECONDS = 3600

/** Lifetime of an authorization code in seconds (OWASP ASVS 10.4.3). */
export const CODE_SECONDS = 60
/** Lifetime in seconds of the manual code that a person pastes into a terminal. */
export const PASTED_SECONDS = 300
/** How long a consent page may stay open, in seconds. */
export const REQUEST_SECONDS = 3600
const MAX_RECORDED_REFUSALS = 3

export type AuthorizationFacts = {
  clientId: string
  uai: string
  sessionId: string
  redirectUri: string
  scope: string[]
  resources: string[]
  codeChallenge?: string
  /** Thumbprint of the only key that the code may be redeemed with (RFC 9449 section 10). */
  dpopJkt?: string
  state?: string
  nonce?: string
  /** Response mode, if not `query`. */
  responseMode?: 'fragment' | 'form_post'
  /** The authentication at the time of the decision, fixed for all resulting tokens (RFC 9068 section 2.2.1). */
  acr: string
  amr: string[]
  authenticatedAt: string
  expiresAt: string
}

type Mismatch = 'client' | 'redirect_uri' | 'code_verifier' | 'dpop_jkt'

type PushedFacts = { clientId: string; requestUriHash: string; pushedAt: string; expiresAt: string }

type Granted = {
  by: 'person' | 'first_party' | 'remembered'
  scope: string[]
  codeHash: string
  codeExpiresAt: string
  /** The request, when it was granted without asking the person. */
  request?: AuthorizationFacts
}

export type AuthorizationEvent =
  | {
      type: 'AuthorizationPushed'
      data: PushedFacts
      secrets: { name: 'parameters'; sealed: Uint8Array; expiresAt: Date }[]
    }
  | { type: 'PushedAuthorizationOpened'; data: { expiresAt: string } }
  | { type: 'AuthorizationRequested'; data: AuthorizationFacts }
  | { type: 'AuthorizationGranted'; data: Granted }
  | { type: 'AuthorizationDenied'; data: Record<string, never> }
  | { type: 'AuthorizationCodeShown'; data: { pasteHash: string; expiresAt: string } }
  | { type: 'AuthorizationCodeRedeemed'; data: { familyId: string } }
  | { type: 'AuthorizationCodeRefused'; data: { reason: 'expired' | Mismatch } }
  | { type: 'AuthorizationCodeReplayed'; data: Record<string, never> }

type Code = {
  codeHash: string
  codeExpiresAt: Date
  refusals: number
  /** The manual form of the code, for pasting. */
  pasted?: { hash: string; expiresAt: Date }
}

export type Authorization =
  | { status: 'none' }
  | { status: 'pushed'; pushed: PushedFacts; opened: boolean }
  | { status: 'requested'; facts: AuthorizationFacts; pushed?: PushedFacts }
  | { status: 'denied'; facts: AuthorizationFacts }
  | ({ status: 'code_issued'; facts: AuthorizationFacts } & Code)
  | ({ status: 'redeemed'; facts: AuthorizationFacts; familyId: string; replayed: boolean } & Code)

export const authorization: Aggregate<Authorization, AuthorizationEvent> = {
  type: 'authorization',
  initial: { status: 'none' },
  evolve(state, event) {
    if (event.type === 'AuthorizationPushed') return { status: 'pushed', pushed: event.data, opened: false }
    if (event.type === 'AuthorizationRequested')
      return { status: 'requested', facts: event.data, pushed: 'pushed' in state ? state.pushed : undefined }
    if (event.type === 'PushedAuthorizationOpened')
      return state.status === 'pushed'
        ? { ...state, opened: true, pushed: { ...state.pushed, expiresAt: event.data.expiresAt } }
        : state
    if (event.type === 'AuthorizationGranted') {
      const { request, scope, codeHash, codeExpiresAt } = event.data
      const facts = request ?? ('facts' in state ? state.facts : undefined)
      if (!facts) return state
      const code = { codeHash, codeExpiresAt: new Date(codeExpiresAt), refusals: 0 }
      return { status: 'code_issued', facts: { ...facts, scope }, ...code }
    }
    if (state.status === 'none' || state.status === 'pushed') return state
    switch (event.type) {
      case 'AuthorizationDenied':
        return { status: 'denied', facts: state.facts }
      case 'AuthorizationCodeShown': {
        const pasted = { hash: event.data.pasteHash, expiresAt: new Date(event.data.expiresAt) }
        return state.status === 'code_issued' ? { ...state, pasted } : state
      }
      case 'AuthorizationCodeRedeemed':
        return state.status === 'code_issued'
          ? { ...state, status: 'redeemed', familyId: event.data.familyId, replayed: false }
          : state
      case 'AuthorizationCodeRefused':
        return state.status === 'code_issued' ? { ...state, refusals: state.refusals + 1 } : state
      case 'AuthorizationCodeReplayed':
        return state.status === 'redeemed' ? { ...state, replayed: true } : state
    }
  },
}

/** @param input.sealedParameters the request parameters, read when a browser opens the `request_uri` */
export function push(input: {
  facts: PushedFacts
  sealedParameters: Uint8Array
  forgottenAt: Date
}): Decision<AuthorizationEvent> {
  const secrets = [{ name: 'parameters' as const, sealed: input.sealedParameters, expiresAt: input.forgottenAt }]
  return record({ type: 'AuthorizationPushed', data: input.facts, secrets })
}

/**
 * Returns a pushed request that this client may still open. A reload may open it again until a code is issued (RFC 9126 section 4).
 */
export function openPushedRequest(
  state: Authorization,
  input: { clientId: string; requestUriHash: string; now: Date },
): PushedFacts | undefined {
  if (state.status !== 'pushed' && state.status !== 'requested') return undefined
  const { pushed } = state
  const { expiresAt } = state.status === 'pushed' ? state.pushed : state.facts
  const own = pushed?.clientId === input.clientId && pushed.requestUriHash === input.requestUriHash
  return own && new Date(expiresAt) > input.now ? pushed : undefined
}

/** Extends the lifetime of a pushed request, once, while the person signs in. */
export function openPushed(state: Authorization, now: Date): Decision<AuthorizationEvent> {
  if (state.status !== 'pushed' || state.opened) return { events: [] }
  const expiresAt = new Date(now.getTime() + OPENED_SECONDS * 1000).toISOString()
  return record({ type: 'PushedAuthorizationOpened', data: { expiresAt } })
}

const mayRequest = (state: Authorization): boolean =>
  state.status === 'none' || state.status === 'pushed' || (state.status === 'requested' && state.pushed !== undefined)

/** Starts the request of a signed-in person; a pushed request may start again until it is decided. */
export function request(state: Authorization, facts: AuthorizationFacts): Decision<AuthorizationEvent> {
  return mayRequest(state) ? record({ type: 'AuthorizationRequested', data: facts }) : refuse('request_uri_invalid')
}

/** Issues the code (RFC 6749 section 4.1.2) of a request that the person need not be asked about. */
export function grantWithoutAsking(
  state: Authorization,
  facts: AuthorizationFacts,
  input: { by: 'first_party' | 'remembered'; codeHash: string; now: Date },
): Decision<AuthorizationEvent> {
  if (!mayRequest(state)) return refuse('request_uri_invalid')
  return record({ type: 'AuthorizationGranted', data: { ...granted(input, facts.scope), request: facts } })
}

/** Records the person's consent and issues the code (RFC 6749 section 4.1.2). */
export function grant(
  state: Authorization,
  input: { scope: string[]; sessionId: string; codeHash: string; now: Date },
): Decision<AuthorizationEvent> {
  if (!isPending(state, input.sessionId, input.now)) return refuse('csrf_invalid')
  return record({ type: 'AuthorizationGranted', data: granted({ ...input, by: 'person' }, input.scope) })
}

function granted({ by, codeHash, now }: { by: Granted['by']; codeHash: string; now: Date }, scope: string[]): Granted {
  return { by, scope, codeHash, codeExpiresAt: new Date(now.getTime() + CODE_SECONDS * 1000).toISOString() }
}

export function deny(state: Authorization, input: { sessionId: string; now: Date }): Decision<AuthorizationEvent> {
  if (!isPending(state, input.sessionId, input.now)) return refuse('csrf_invalid')
  return record({ type: 'AuthorizationDenied', data: {} })
}

/** Only the session of a request may decide it, once, before it expires. */
export function isPending(
  state: Authorization,
  sessionId: string,
  now: Date,
): state is Extract<Authorization, { status: 'requested' }> {
  return state.status === 'requested' && state.facts.sessionId === sessionId && new Date(state.facts.expiresAt) > now
}

/** Shows the manual code, for pasting into a terminal, in the session that granted it. A reload shows the same code. */
export function showCode(
  state: Authorization,
  input: { codeHash: string; sessionId: string; pasteHash: string; now: Date },
): Decision<AuthorizationEvent> {
  const { codeHash, sessionId, pasteHash, now } = input
  if (state.status !== 'code_issued' || state.codeHash !== codeHash || state.facts.sessionId !== sessionId)
    return refuse('paste_impossible')
  if (state.pasted && state.pasted.expiresAt > now) return { events: [] }
  if (state.pasted || state.codeExpiresAt <= now) return refuse('paste_impossible')
  const expiresAt = new Date(now.getTime() + PASTED_SECONDS * 1000).toISOString()
  return record({ type: 'AuthorizationCodeShown', data: { pasteHash, expiresAt } })
}

/** When the presented form of the code expires; undefined for another code. */
function endOf(code: Code, presentedHash: string): Date | undefined {
  if (code.codeHash === presentedHash) return code.codeExpiresAt
  return code.pasted?.hash === presentedHash ? code.pasted.expiresAt : undefined
}

export type Redemption = {
  /** Hash of the code or of its manual form. */
  codeHash: string
  clientId: string
  /** As sent; optional in OAuth 2.1, where the code challenge binds the code instead. */
  redirectUri?: string
  /** BASE64URL(SHA256(code_verifier)); absent without a verifier. */
  challenge?: string
  /** Thumbprint of the key proven by the request, if any. */
  jkt?: string
  now: Date
}

/**
 * Redeems a code once. A second valid redemption is a replay, whose caller revokes the family; an invalid one changes
 * nothing, so that a thief without the verifier cannot sign the owner out (OAuth 2.1 sections 4.1.3 and 7.5.3).
 */
export function redeem(state: Authorization, input: Redemption & { familyId: string }): Decision<AuthorizationEvent> {
  if (state.status !== 'code_issued' && state.status !== 'redeemed') return refuse('invalid_grant')
  const end = endOf(state, input.codeHash)
  if (!end) return refuse('invalid_grant')
  if (state.status === 'redeemed') {
    if (state.replayed || !isReplay(state, input)) return refuse('invalid_grant')
    return refuse('invalid_grant', { type: 'AuthorizationCodeReplayed', data: {} })
  }
  const reason = end <= input.now ? 'expired' : mismatchOf(state.facts, input)
  if (reason && state.refusals >= MAX_RECORDED_REFUSALS) return refuse('invalid_grant')
  if (reason) return refuse('invalid_grant', { type: 'AuthorizationCodeRefused', data: { reason } })
  return record({ type: 'AuthorizationCodeRedeemed', data: { familyId: input.familyId } })
}

/** Whether this repeats a redemption with all the same credentials. */
export function isReplay(
  state: Authorization,
  input: Redemption,
): state is Extract<Authorization, { status: 'redeemed' }> {
  return state.status === 'redeemed' && endOf(state, input.codeHash) !== undefined && !mismatchOf(state.facts, input)
}

function mismatchOf(facts: AuthorizationFacts, input: Redemption): Mismatch | undefined {
  if (facts.clientId !== input.clientId) return 'client'
  if (input.redirectUri === undefined ? !facts.codeChallenge : input.redirectUri !== facts.redirectUri)
    return 'redirect_uri'
  if (facts.codeChallenge !== input.challenge) return 'code_verifier'
  if (facts.dpopJkt !== undefined && facts.dpopJkt !== input.jkt) return 'dpop_jkt'
  return undefined
}

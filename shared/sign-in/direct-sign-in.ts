import { checkOrigin } from '../access/csrf.ts'
import type { Call } from '../call.ts'
import type { SessionCookies } from '../http/cookies.ts'
import { type TokenResponse, tokenResponse } from '../oauth/token/token-response.ts'
import type { Person } from '../queries/person.ts'
import { type CompletedSignIn, completeSignIn, type SignInMethod, type SignInRequest } from './complete.ts'

/** A person as clients know them (docs/wire-contract.md 1.4). */
export function userOf(person: Person, projectScope: string) {
  return { id: person.alias ?? person.uai, email: person.email, role: person.role, project_scope: projectScope }
}

export type DirectSignIn = {
  tokens: TokenResponse
  user: ReturnType<typeof userOf>
  /** For a browser, which also gets a session. */
  cookies?: SessionCookies
}

/**
 * Signs a person in for the platform's own client, with a pair of tokens.
 * @throws GatewayError csrf_invalid if a foreign page tries to sign a browser in; and as completeSignIn
 */
export async function signInDirectly(
  call: Call,
  method: SignInMethod,
  request: Pick<SignInRequest, 'platform' | 'projectScope' | 'page' | 'secondFactor'>,
): Promise<DirectSignIn> {
  const { platform, projectScope, page, secondFactor } = request
  if (platform === 'web') checkOrigin(call, call.gateway.issuer)
  const asked = { platform, projectScope, page, secondFactor, tokens: 'pair' as const }
  return directSignIn(call, await completeSignIn(call, method, asked), projectScope)
}

/** Returns what the caller of a direct sign-in gets. */
export async function directSignIn(
  call: Call,
  { family, person, cookies }: CompletedSignIn,
  projectScope: string,
): Promise<DirectSignIn> {
  if (!family) throw new Error('a direct sign-in without tokens')
  const tokens = await tokenResponse(call.gateway, family)
  return { tokens, user: userOf(person, projectScope), cookies }
}

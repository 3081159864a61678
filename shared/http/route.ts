import type { Context } from 'hono'
import type { Call } from '../call.ts'
import type { Refusal } from '../errors.ts'
import type { AppEnv } from './app.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'ALL'

/** What kind of door a route is; `docs/authority.md` says what each stands for. */
export type Door =
  | 'public'
  | 'subject'
  | 'client'
  | 'signature'
  | 'ceremony'
  | 'everyday'
  | 'sensitive'
  | 'operator'
  | 'service'

/** Who may be behind a request, and by which credential. */
export type Caller = 'browser' | 'first_party' | 'application' | 'agent' | 'api_key' | 'service'

/** What a route accepts. The generated test tries every other credential on it, and the OpenAPI document prints it. */
export type Accepts = {
  door: Door
  callers: readonly Caller[]
  /**
   * Which access tokens: `issuer`, those for this gateway alone; `account`, also those that a client with the setting
   * `account_access: everyday` shares between the gateway and its default resource; `any`, all of them.
   */
  audience: 'issuer' | 'account' | 'any'
  /** What an application, an agent or an API key needs; our own applications and the browser act for their person. */
  scope?: string
  /** What an API key needs, where it differs; null for nothing. */
  keyScope?: string | null
  /** What a service needs. */
  serviceScope?: string
  /** A recent authentication (with the authenticator app where the person has one): of every caller, or of tokens only. */
  recent?: 'every caller' | 'tokens'
  /** The person must be an operator who stepped up recently; `platform` refuses those of one organization. */
  operator?: 'organization' | 'platform'
  /** Each request reads records of others, which is recorded; without it a GET by an operator is, and a change is not. */
  reads?: true
  /** Names people by their UAI, so it is closed to clients that know them by a pairwise name. */
  namesPeople?: true
  /** Also without a credential. */
  optional?: true
  /** A page: a person who is not signed in is sent to sign in. */
  page?: true
  /** The error for a request without a credential. */
  missing?: Refusal
}

/** How a route finds its principal, and what it says of that. */
export type Authority<Principal> = {
  accepts: readonly Accepts[]
  admit: (call: Call) => Promise<Principal> | Principal
}

export type RouteSpec<Principal> = {
  authority: Authority<Principal>
  /** Answered before the database has been looked at, and while it does not answer. */
  withoutDatabase?: true
}

export type Route = { method: Method; path: string; spec: RouteSpec<unknown> }

type Handler<Path extends string, Principal> = (
  c: Context<AppEnv, Path>,
  principal: Principal,
) => Response | Promise<Response>

/** Registers a route. A route without an authority does not compile. */
export type Register = <Path extends string, Principal>(
  method: Method | readonly Method[],
  path: Path,
  spec: RouteSpec<Principal>,
  handler: Handler<Path, Principal>,
) => void

/** For everybody: no credential is read. */
const PUBLIC: Accepts = { door: 'public', callers: [], audience: 'any', optional: true }
export const openToAll: Authority<undefined> = { accepts: [PUBLIC], admit: () => undefined }

/** An authority whose principal is found in the handler, by a mechanism of its own protocol: client authentication, a signature, a form. */
export const byProtocol = (
  door: 'client' | 'signature' | 'ceremony' | 'subject',
  optional?: true,
): Authority<undefined> => ({
  accepts: [{ door, callers: [], audience: 'any', ...(optional && { optional }) }],
  admit: () => undefined,
})

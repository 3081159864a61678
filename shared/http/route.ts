import type { Context } from 'hono'
import type { Call } from '../call.ts'
import type { Refusal } from '../errors.ts'
import type { AppEnv } from './app.ts'
import type { Operation } from './operation.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'ALL'

/** The authority class of a route, as `docs/authority.md` describes it. */
type Door =
  | 'public'
  | 'subject'
  | 'client'
  | 'signature'
  | 'ceremony'
  | 'everyday'
  | 'sensitive'
  | 'operator'
  | 'service'

/** The kinds of callers, by credential. */
export type Caller = 'browser' | 'first_party' | 'application' | 'agent' | 'api_key' | 'service'

/** What a route accepts. A generated test tries every other credential on it, and the OpenAPI document includes it. */
export type Accepts = {
  door: Door
  callers: readonly Caller[]
  /**
   * Accepted access tokens: `issuer`, only those for this gateway alone; `account`, also those shared with the default resource by a
   * client with `account_access: everyday`; `any`, all.
   */
  audience: 'issuer' | 'account' | 'any'
  /** Scope for third-party applications, agents and API keys; browsers and first-party applications need none. */
  scope?: string
  /** Scope for API keys, if it differs; null for none. */
  keyScope?: string | null
  /** Scope for services. */
  serviceScope?: string
  /** Requires a recent authentication (with the authenticator app if the person has one): of every caller, or of tokens only. */
  recent?: 'every caller' | 'tokens'
  /** Requires an operator with a recent step-up; `platform` refuses operators of one organization. */
  operator?: 'organization' | 'platform'
  /** Every request is recorded as a read of others' records; otherwise only GET requests of operators are. */
  reads?: true
  /** Uses UAIs, so it is closed to clients with pairwise identifiers. */
  namesPeople?: true
  /** The credential is optional. */
  optional?: true
  /** A page: an anonymous user is redirected to sign in. */
  page?: true
  /** The error for a request without a credential. */
  missing?: Refusal
  /** The error for a caller without the authority, if not the usual ones. */
  denied?: Refusal
}

/** How a route authenticates its principal, and a description of that. */
export type Authority<Principal> = {
  accepts: readonly Accepts[]
  admit: (call: Call) => Promise<Principal> | Principal
}

type RouteSpec<Principal> = {
  authority: Authority<Principal>
  /** Served before the database has been inspected, and while it is down. */
  withoutDatabase?: true
  /** What the OpenAPI document says of it. */
  operation?: Operation
}

/** A registered route, and the tag of its operation in the OpenAPI document. */
export type Route = { method: Method; path: string; spec: RouteSpec<unknown>; tag?: string }

type Handler<Path extends string, Principal> = (
  c: Context<AppEnv, Path>,
  principal: Principal,
) => Response | Promise<Response>

/** Registers a route, which the handler given to the result answers. A route without an authority does not compile. */
export type Register = <Path extends string, Principal>(
  methods: Method | readonly Method[],
  paths: Path | readonly Path[],
  spec: RouteSpec<Principal>,
) => (handler: Handler<Path, Principal>) => void

/** Public: no credential is read. */
const PUBLIC: Accepts = { door: 'public', callers: [], audience: 'any', optional: true }
export const openToAll: Authority<undefined> = { accepts: [PUBLIC], admit: () => undefined }

/** An authority checked in the handler by its protocol's own mechanism: client authentication, a signature, a form. */
export const byProtocol = (
  door: 'client' | 'signature' | 'ceremony' | 'subject',
  optional?: true,
): Authority<undefined> => ({
  accepts: [{ door, callers: [], audience: 'any', ...(optional && { optional }) }],
  admit: () => undefined,
})

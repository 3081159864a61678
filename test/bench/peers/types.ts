import type { User } from './user.ts'

/** One pass of an operation by a virtual user. Rejects when an answer is not as expected. */
export type Flow = () => Promise<unknown>

/** Prepares a virtual user and returns the flow that it repeats. */
export type Operation = (user: User) => Flow | Promise<Flow>

export type ColdRequest = {
  path: string
  method?: string
  headers?: Record<string, string>
  body?: string
  /** Text that the answer must contain. */
  expect?: string
}

/** Client side of a server: what the load generator sends it. */
export type Peer<Context = unknown> = {
  name: string
  /** Program in `servers/`; the built project has none. */
  program?: string
  environment?: Record<string, string>
  /** Answered without the database. */
  coldPath: string
  /** Answered from the database. */
  coldRequest?(context: Context): ColdRequest
  /** @param context what the server's setup printed: clients, secrets, people */
  operations(context: Context): Operations
}

/** Every operation with its title, in the order they are measured. */
export const TITLES = {
  HELLO: 'bare handler',
  INSERT: 'bare handler + INSERT',
  SELECT: 'bare handler + SELECT',
  SELECT1: 'bare handler + SELECT, one pipelined connection',
  O1: 'client_credentials',
  O2: 'refresh rotation',
  O3: 'introspection',
  O4: 'authorize + token',
  O5: 'API key verify',
  O6: 'session resolve',
  O7: 'OTP send + verify',
  O7b: 'OTP of a returning person',
  O8: 'device flow (5 requests)',
}

export type OperationName = keyof typeof TITLES

/** What a server can do of it. */
export type Operations = Partial<Record<OperationName, Operation>>

/** Runs next to every operation as a reference. */
export const REFERENCE: OperationName = 'SELECT1'

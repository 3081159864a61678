import { addressKey } from '../../addresses.ts'
import type { Call } from '../../call.ts'
import { isHttps } from '../../config.ts'
import { apiClient, type ClientMetadata, registerClient, updateClient } from '../../domain/api-client.ts'
import { GatewayError } from '../../errors.ts'
import { commit } from '../../events/commit.ts'
import { type Fetched, GuardedFetchError, guardedFetch } from '../../http/guarded-fetch.ts'
import { newId } from '../../ids.ts'
import { presentDeeply } from '../../present.ts'
import { findClientDocument, noteClientDocument } from '../../queries/api-clients.ts'
import { readDynamicMetadata } from './dynamic-registration.ts'
import { checkSectorIdentifier } from './sector-identifier.ts'

const MAX_BYTES = 10_240
const MAX_URL = 500
/** Bounds of the time that a document is cached, whatever its server says. */
const [SHORTEST_SECONDS, USUAL_SECONDS, LONGEST_SECONDS] = [300, 3_600, 86_400]
/** How long a client's tokens stay valid while its server does not respond. */
const GRACE_SECONDS = 86_400
const JSON_TYPE = /^application\/(json|[\w.-]+\+json)$/

/** Whether a client id is a URL, which refers to a metadata document. */
function isDocumentAddress(clientId: string): boolean {
  return /^https?:\/\//.test(clientId)
}

/**
 * Returns why a URL cannot be a client id; undefined if it can. It must be in normalized form, so that URLs can be compared as text
 * (draft-ietf-oauth-client-id-metadata-document section 3).
 */
export function documentAddressProblem(clientId: string, allowLoopback: boolean): string | undefined {
  if (clientId.length > MAX_URL) return `has more than ${MAX_URL} characters`
  if (!URL.canParse(clientId)) return 'is not a URL'
  const url = new URL(clientId)
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  if (url.protocol !== 'https:' && !(allowLoopback && isLoopback)) return 'is not https'
  if (url.username || url.password) return 'contains credentials'
  if (clientId.includes('#')) return 'has a fragment'
  if (url.pathname === '/') return 'has no path'
  if (url.href !== clientId) return 'is not in normalized form'
  return undefined
}

const unusable = (problem: string, cause?: unknown) =>
  new GatewayError('invalid_client', { description: problem, cause })

/** Returns the metadata in a document. @throws GatewayError with why it is unusable */
function readDocument(clientId: string, { status, contentType, body }: Fetched, schemes: readonly string[]) {
  if (status !== 200) throw unusable(`it answers ${status}`)
  if (!JSON_TYPE.test(contentType)) throw unusable('it is not JSON')
  let given: unknown
  try {
    given = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw unusable('it is not JSON', error)
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw unusable('it is not an object')
  const document = presentDeeply(given)
  if (document.client_id !== clientId) throw unusable('it names another client_id')
  if (document.client_name === undefined) throw unusable('it has no client_name')
  if ('client_secret' in document || 'client_secret_expires_at' in document) throw unusable('it contains a secret')
  const method = document.token_endpoint_auth_method ?? 'none'
  if (method !== 'none' && method !== 'private_key_jwt') throw unusable('it asks to authenticate by a secret')
  return readDynamicMetadata(document, schemes)
}

type Reading =
  | { metadata: ClientMetadata; keptSeconds: number }
  /** A silent server did not respond, which says nothing about the document. */
  | { metadata?: undefined; problem: string; isSilent: boolean }

async function fetchDocument(clientId: string, schemes: readonly string[]): Promise<Reading> {
  let isSilent = false
  try {
    const fetched = await guardedFetch(clientId, { maxBytes: MAX_BYTES })
    isSilent = fetched.status >= 500
    const metadata = readDocument(clientId, fetched, schemes)
    await checkSectorIdentifier(metadata)
    const asked = fetched.maxAge ?? USUAL_SECONDS
    return { metadata, keptSeconds: Math.min(Math.max(asked, SHORTEST_SECONDS), LONGEST_SECONDS) }
  } catch (error) {
    if (error instanceof GatewayError) return { problem: error.message, isSilent }
    if (!(error instanceof GuardedFetchError)) throw error
    return { problem: error.message, isSilent: error.kind === 'failed' }
  }
}

/**
 * Refreshes a client with a metadata document before it is used: fetches the document as its cache headers allow, and registers or
 * updates the client. Does nothing for other clients. Failures are not cached.
 * @param step at `token`, a client whose server does not respond stays valid for a day
 * @throws GatewayError invalid_client with the problem of the document; rate_limited
 * @see draft-ietf-oauth-client-id-metadata-document sections 3 to 6
 */
export async function refreshClientDocument(
  call: Call,
  clientId: string | undefined,
  step: 'authorize' | 'token',
): Promise<void> {
  const { gateway } = call
  if (!clientId || !isDocumentAddress(clientId)) return
  const refuse = (problem: string) => {
    throw new GatewayError('invalid_client', {
      description: `The client_id ${problem}.`,
      reason: `document: ${problem}`,
    })
  }
  const problem = documentAddressProblem(clientId, !isHttps())
  if (problem) refuse(problem)
  const known = await findClientDocument(gateway.reads, clientId)
  if (known.isFresh || (known.client && known.client.status !== 'active')) return

  const { limiter } = gateway
  const address = limiter.of('client-document', addressKey(call.request.clientIp))
  // No caller may make us fetch from one host without limit, or use up the limit of its known clients.
  const host = limiter.of('client-document-host', new URL(clientId).host)
  await limiter.enforce(known.client ? address : [...address, ...host])
  const reading = await fetchDocument(clientId, gateway.config.PRIVATE_USE_SCHEMES)
  if (!reading.metadata) {
    if (step === 'token' && known.client && reading.isSilent && known.ageSeconds < GRACE_SECONDS) return
    return refuse(`leads to a document that cannot be used: ${reading.problem}`)
  }
  const id = await keepClient(call, clientId, reading.metadata)
  await noteClientDocument(gateway.reads, id, reading.keptSeconds)
}

async function keepClient(call: Call, clientId: string, metadata: ClientMetadata): Promise<string> {
  // Not imported: node:util would slow down every cold start.
  const { isDeepStrictEqual } = process.getBuiltinModule('node:util')
  return commit(call, async (work) => {
    const { client } = await findClientDocument(call.gateway.reads, clientId)
    const id = client?.id ?? newId()
    work.actor = { type: 'service', id: clientId, clientId }
    if (!client) {
      work
        .start(apiClient, id, {})
        .decide(() => registerClient({ clientId, firstParty: false, origin: 'document', metadata }))
    } else if (!isDeepStrictEqual(client.metadata, JSON.parse(JSON.stringify(metadata)))) {
      const stream = await work.load(apiClient, id, {})
      stream.decide((state) => updateClient(state, metadata))
    }
    return id
  })
}

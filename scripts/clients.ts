import { randomBytes } from 'node:crypto'
import {
  type ApiClient,
  type ApiClientEvent,
  apiClient,
  type ClientMetadata,
  changeAccountAccess,
  deleteClient,
  registerClient,
  reinstateClient,
  rotateClientSecret,
  suspendClient,
  updateClient,
} from '../shared/domain/api-client.ts'
import type { Decision } from '../shared/events/types.ts'
import type { Gateway } from '../shared/gateway.ts'
import { newId } from '../shared/ids.ts'
import { parseClientMetadata } from '../shared/oauth/clients/client-metadata.ts'
import { checkSectorIdentifier } from '../shared/oauth/clients/sector-identifier.ts'
import { type Client, findClient, listClients } from '../shared/queries/api-clients.ts'
import { hashToken } from '../shared/tokens/opaque.ts'
import { clientOptions, readClientRequest } from './lib/client-flags.ts'
import { CLIENT_KINDS, describeNewClient } from './lib/client-kind.ts'
import { clientTable, clientText, operatorInformation } from './lib/client-text.ts'
import { act, decideAsOperator, type OperatorCall, operatorProgram } from './lib/operator.ts'
import { RefusedError, wholeNumber } from './lib/terminal.ts'

const USAGE = `npm run clients -- list
npm run clients -- show <client_id>
npm run clients -- add --name <name> [--type ${CLIENT_KINDS}] --redirect-uri <uri>… [metadata] [--client-id <id>] [--first-party [--account-access everyday]]
npm run clients -- update <client_id> [metadata] [--account-access none|everyday]   flags change single members, --file replaces all of them
npm run clients -- suspend|reinstate|delete <client_id> [--reason <text>]
npm run clients -- rotate-secret <client_id> [--overlap <seconds>]   the old secret stays valid for that long (0)

Metadata (RFC 7591), as flags or as JSON with --file <path> (- is standard input):
  --name --redirect-uri… --post-logout-redirect-uri… --web-origin… --scope --default-scope --auth-method none|client_secret_basic|client_secret_post|
    private_key_jwt|tls_client_auth|self_signed_tls_client_auth
  --jwks <file> --jwks-uri --auth-signing-alg --introspection-alg RS256|ES256 --tls-client-auth-subject-dn|san-dns|san-uri|san-ip|san-email
  --certificate-bound --dpop-bound --resource… (serves) --exchange-resource… (may get tokens for, RFC 8693)
  --application-type native|web --grant-type… --response-type… --access-token-seconds --require-pkce true|false
  --subject-type public|pairwise --sector-identifier-uri (OpenID Connect Core section 8)
  --client-uri --logo-uri --brand-color '#rrggbb' (for its messages, with --first-party) --policy-uri --tos-uri --contact…
--account-access everyday: a LanOnasis application whose tokens, when it names no resource, also work at the everyday endpoints of the
  account API (profile, sessions, API keys, projects).
--type: web and service have a secret; spa (a page in the browser), native and device are public. Single flags override it. Without it, a
  client is native when every redirect URI leads to the user's own machine, and web otherwise.
--json prints JSON. A secret is shown once. Exit code 1: refused, 2: wrong usage.`

type Call = OperatorCall<typeof clientOptions>
type Outcome = { client: Client; secret?: string; summary?: string; remark?: string }

const newSecret = () => {
  const secret = `secret_${randomBytes(32).toString('hex')}`
  return { secret, secretHash: hashToken(secret) }
}

/** @throws RefusedError that names every problem */
async function checked(
  { config }: Gateway,
  given: Record<string, unknown>,
  firstParty: boolean,
): Promise<ClientMetadata> {
  const { metadata, problems } = parseClientMetadata(given, config.PRIVATE_USE_SCHEMES)
  if (firstParty && metadata?.subject_type === 'pairwise')
    throw new RefusedError('subject_type: a LanOnasis application cannot be pairwise')
  if (metadata) {
    await checkSectorIdentifier(metadata).catch((error: Error) => {
      throw new RefusedError(error.message)
    })
    return metadata
  }
  const lines = problems.map(({ member, message }) => `  - ${member}: ${message}`)
  throw new RefusedError(`The client metadata is invalid:\n${lines.join('\n')}`)
}

const NOT_OURS = 'account_access: only a LanOnasis application (--first-party) may have it'
const hasSecret = ({ token_endpoint_auth_method: method }: ClientMetadata) => method.startsWith('client_secret_')

async function existing({ gateway, what }: Pick<Call, 'gateway' | 'what'>): Promise<Client> {
  const client = await findClient(gateway.reads, what)
  if (!client || client.status === 'deleted') throw new RefusedError(`There is no client "${what}"`)
  return client
}

async function add({ gateway, terminal, flags }: Call): Promise<Outcome> {
  const request = readClientRequest(flags, terminal)
  const metadata = await checked(gateway, request.metadata, flags['first-party'] === true)
  const clientId = request.clientId ?? `client_${randomBytes(16).toString('hex')}`
  if (typeof clientId !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._~-]{2,99}$/.test(clientId))
    throw new RefusedError('client_id: must be 3 to 100 letters, digits or . _ ~ - and start with a letter or digit')
  const { accountAccess } = request
  if (accountAccess === 'everyday' && !flags['first-party']) throw new RefusedError(NOT_OURS)
  const made = hasSecret(metadata) ? newSecret() : undefined
  await act(gateway, async (work) => {
    if (await findClient(gateway.reads, clientId)) throw new RefusedError(`There is already a client "${clientId}"`)
    work.start(apiClient, newId(), {}).decide(() =>
      registerClient({
        clientId,
        firstParty: flags['first-party'] === true,
        accountAccess,
        origin: 'operator',
        metadata,
        secretHash: made?.secretHash,
      }),
    )
  })
  const summary = describeNewClient(metadata, request.metadata)
  return { client: await existing({ gateway, what: clientId }), secret: made?.secret, summary }
}

type Decide = (state: ApiClient) => Decision<ApiClientEvent>

async function change(call: Call, ...decisions: Decide[]): Promise<Client> {
  const client = await existing(call)
  await act(call.gateway, async (work) => {
    const stream = await work.load(apiClient, client.id, {})
    for (const decide of decisions) stream.decide(decide)
  })
  return existing(call)
}

async function update(call: Call): Promise<Outcome> {
  const before = await existing(call)
  const { clientId, fromFile, metadata, accountAccess } = readClientRequest(call.flags, call.terminal)
  if (clientId !== undefined && String(clientId).toLowerCase() !== before.client_id.toLowerCase())
    throw new RefusedError('A client_id cannot be changed')
  if (call.flags['first-party']) throw new RefusedError('--first-party works only with add')
  if (accountAccess === 'everyday' && !before.first_party) throw new RefusedError(NOT_OURS)
  const updated = await checked(
    call.gateway,
    fromFile ? metadata : { ...before.metadata, ...metadata },
    before.first_party,
  )
  const decisions: Decide[] = accountAccess ? [(state) => changeAccountAccess(state, accountAccess)] : []
  if (!accountAccess || fromFile || Object.keys(metadata).length > 0)
    decisions.unshift((state) => updateClient(state, updated))
  const client = await change(call, ...decisions)
  const needsSecret = hasSecret(updated) && client.secrets.length === 0
  return { client, remark: needsSecret ? 'It has no secret yet: create one with rotate-secret' : undefined }
}

async function rotateSecret(call: Call): Promise<Outcome> {
  const { metadata, client_id } = await existing(call)
  const { token_endpoint_auth_method: method } = metadata
  if (!hasSecret(metadata))
    throw new RefusedError(`"${client_id}" has no secret (token_endpoint_auth_method ${method})`)
  const overlapSeconds = wholeNumber('overlap', call.flags.overlap ?? '0')
  const { secret, secretHash } = newSecret()
  const client = await change(call, (state) =>
    rotateClientSecret(state, { secretHash, overlapSeconds, now: call.gateway.now() }),
  )
  return { client, secret }
}

const reasonOf = ({ flags }: Call) => flags.reason ?? 'operator'

async function remove(call: Call): Promise<Outcome> {
  const client = await existing(call)
  await decideAsOperator(call.gateway, apiClient, client.id, (state) => deleteClient(state, reasonOf(call)))
  return { client: { ...client, status: 'deleted' } }
}

/** Operator command: manages OAuth clients. */
export const clients = await operatorProgram(import.meta.url, {
  usage: USAGE,
  options: clientOptions,
  needs: (action) => (/list|add/.test(action) ? undefined : 'Which client? Give its client_id'),
  actions: {
    list: ({ gateway }: Call): Promise<Outcome | Client[]> => listClients(gateway.reads),
    add,
    show: async (call: Call) => ({ client: await existing(call) }),
    update,
    suspend: async (call: Call) => ({ client: await change(call, (state) => suspendClient(state, reasonOf(call))) }),
    reinstate: async (call: Call) => ({
      client: await change(call, (state) => reinstateClient(state, reasonOf(call))),
    }),
    'rotate-secret': rotateSecret,
    delete: remove,
  },
  print(result) {
    if (Array.isArray(result))
      return { json: result.map((client) => operatorInformation(client)), text: clientTable(result) }
    const { client, secret, summary, remark } = result
    const text = [summary, clientText(client, secret)].filter(Boolean).join('\n\n')
    return { json: operatorInformation(client, secret), text, remark }
  },
})

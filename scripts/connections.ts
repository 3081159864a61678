import {
  activateConnectionKey,
  addConnection,
  addConnectionKey,
  authorityOf,
  type Connection,
  type ConnectionEvent,
  type ConnectionSettings,
  changeConnection,
  connection,
  disableConnection,
  enableConnection,
  removeConnection,
  retireConnectionKey,
} from '../shared/domain/connection.ts'
import { GatewayError } from '../shared/errors.ts'
import type { Decision } from '../shared/events/types.ts'
import { newId } from '../shared/ids.ts'
import { type ConnectionRow, findConnection, findNamed, listConnections } from '../shared/queries/connections.ts'
import { organizationExists } from '../shared/queries/hooks.ts'
import { PRESETS } from '../shared/sso/presets.ts'
import { SAML_PRESETS } from '../shared/sso/saml-attributes.ts'
import { newConnectionKey } from '../shared/sso/saml-keys.ts'
import { parseConnection } from '../shared/sso/settings.ts'
import { act, decideAsOperator, type OperatorCall, operatorProgram } from './lib/operator.ts'
import { RefusedError, readFileOf, table, UsageError, wholeNumber } from './lib/terminal.ts'

const USAGE = `npm run connections -- list
npm run connections -- show <slug>
npm run connections -- add <slug> [--preset <name>] [settings]
npm run connections -- change <slug> [settings]
npm run connections -- enable|disable|remove <slug> [--reason "…"]
npm run connections -- add-key <slug>, activate-key|retire-key <slug> --key <id>

Manages the other identity providers that people sign in with. Settings, as flags or as JSON with --file (- reads standard input):
  --name --protocol oidc|oauth2|saml|supabase|hook --issuer --client-id --scope --auth-method --tenant (microsoft)
  --domain… (people with such an address are sent there) --no-provision --organization <id> (of new people)
  --trust-email --unlisted --id-jag --logout
Presets: ${Object.keys(PRESETS).join(' ')}; for SAML ${Object.keys(SAML_PRESETS)
  .map((name) => `saml-${name}`)
  .join(' ')}
SAML: --entry-point <URL> --idp-issuer <entity ID> --certificate <PEM file>… --logout-url <URL>
  --name-id persistent|transient|emailAddress|unspecified|none --clock-skew <seconds, 120> --sha1 allow|refuse
  --subject-attribute <name> (instead of the NameID) --email-attribute <name>… --name-attribute <name>…
add creates a key pair for a SAML connection, which signs requests and decrypts assertions; the metadata contains it. To replace it: add-key,
let the provider read the metadata again, activate-key, and retire-key the old one once the provider no longer encrypts for it.
The client secret is read from the environment variable CONNECTION_SECRET, never from an argument.
--json prints JSON. Exit code 1: refused, 2: wrong usage.`

const string = { type: 'string' } as const
const strings = { type: 'string', multiple: true } as const
const boolean = { type: 'boolean' } as const
const options = {
  ...{ preset: string, file: string, name: string, protocol: string, issuer: string, scope: string },
  ...{ organization: string, 'client-id': string, 'auth-method': string, tenant: string, reason: string },
  ...{ 'entry-point': string, 'idp-issuer': string, 'logout-url': string, 'name-id': string, 'clock-skew': string },
  ...{ key: string, sha1: string, 'subject-attribute': string },
  ...{ domain: strings, certificate: strings, 'email-attribute': strings, 'name-attribute': strings },
  ...{ 'no-provision': boolean, 'trust-email': boolean, unlisted: boolean, 'id-jag': boolean, logout: boolean },
} as const

type Call = OperatorCall<typeof options>

const present = (given: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))

/** Returns the settings of a SAML connection from the flags. */
function samlOf({ flags, terminal }: Call): Record<string, unknown> {
  const attributes = present({
    subject: flags['subject-attribute'],
    email: flags['email-attribute'],
    name: flags['name-attribute'],
  })
  const { sha1, certificate, 'clock-skew': skew } = flags
  if (sha1 !== undefined && sha1 !== 'allow' && sha1 !== 'refuse') throw new UsageError('--sha1 is allow or refuse')
  return present({
    entry_point: flags['entry-point'],
    idp_issuer: flags['idp-issuer'],
    logout_url: flags['logout-url'],
    certificates: certificate?.map((file) => readFileOf(terminal, file, String)),
    name_id_format: flags['name-id'],
    clock_skew_seconds: skew && wholeNumber('clock-skew', skew),
    allow_sha1: sha1 && sha1 === 'allow',
    attributes: Object.keys(attributes).length > 0 ? attributes : undefined,
  })
}

const inner = (name: string, sources: Record<string, unknown>[]) =>
  sources.map((one) => one[name]).filter((one) => typeof one === 'object' && one !== null) as Record<string, unknown>[]

/** Merges settings of several sources, of which later ones win; those of SAML and its attributes are merged one by one. */
function merged(sources: Record<string, unknown>[]): Record<string, unknown> {
  const saml = inner('saml', sources)
  const attributes = inner('attributes', saml)
  const all = Object.assign({}, ...sources)
  if (saml.length > 0) all.saml = Object.assign({}, ...saml)
  if (attributes.length > 0) all.saml.attributes = Object.assign({}, ...attributes)
  return all
}

function presetOf(name: string | undefined, tenant = '{tenant}'): object {
  if (name === undefined) return {}
  const saml = SAML_PRESETS[name.replace(/^saml-/, '')]
  if (name.startsWith('saml-') && saml) return { protocol: 'saml', saml }
  const preset = PRESETS[name]
  if (!preset) throw new RefusedError(`There is no preset "${name}"`)
  const issuer = preset.issuer?.replace('{tenant}', tenant)
  return { ...preset, ...(issuer && { issuer }) }
}

/** @throws RefusedError that names every problem */
async function settingsOf(call: Call, before: object) {
  const { gateway, flags, what: slug, terminal } = call
  const { name, protocol, issuer, scope, file, preset, tenant } = flags
  const fromFlags = {
    ...{ name, protocol, issuer, scope, client_id: flags['client-id'], auth_method: flags['auth-method'] },
    ...{ domains: flags.domain, organization_id: flags.organization, slug },
  }
  const switches = {
    ...(flags['no-provision'] && { provision: false }),
    ...(flags['trust-email'] && { trust_email: true }),
    ...(flags.unlisted && { listed: false }),
    ...(flags['id-jag'] && { id_jag: true }),
    ...(flags.logout && { logout: true }),
  }
  const saml = samlOf(call)
  const { settings, problems } = parseConnection(
    merged([
      before,
      presetOf(preset, tenant),
      file === undefined ? {} : readFileOf(terminal, file, JSON.parse),
      present(fromFlags),
      switches,
      Object.keys(saml).length > 0 ? { saml } : {},
    ] as Record<string, unknown>[]),
  )
  const { organization_id: organization } = settings ?? {}
  if (organization && !(await organizationExists(gateway.reads, organization)))
    throw new RefusedError(`There is no organization "${organization}"`)
  if (!settings) throw new RefusedError(`The settings are invalid:\n${problems.map((one) => `  - ${one}`).join('\n')}`)
  return settings
}

const sealed = ({ gateway, terminal }: Call, id: string, { protocol }: ConnectionSettings) => {
  const secret = terminal.env.CONNECTION_SECRET
  if (secret && protocol === 'hook' && !/^(v1,)?whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(secret))
    throw new RefusedError('CONNECTION_SECRET must be whsec_<base64 of at least 24 bytes> for a hook')
  return secret ? gateway.ring.seal('connection-secret', Buffer.from(secret), id) : undefined
}

async function existing({ gateway, what: slug }: Call): Promise<ConnectionRow> {
  const found = await findConnection(gateway.reads, slug)
  if (!found) throw new RefusedError(`There is no connection "${slug}"`)
  return found
}

async function decide(call: Call, decision: (state: Connection, id: string) => Decision<ConnectionEvent>) {
  const { id } = await existing(call)
  await decideAsOperator(call.gateway, connection, id, (state) => decision(state, id))
}

async function newKey({ gateway }: Call) {
  const keyId = newId()
  return { keyId, ...(await newConnectionKey(gateway, keyId)) }
}

function keyOf({ flags }: Call): string {
  if (flags.key === undefined) throw new UsageError('Which key? Give --key; show lists them')
  return flags.key
}

const reasonOf = ({ flags }: Call) => flags.reason ?? 'operator'

const shown = ({ status, settings, secret, keys }: ConnectionRow) => ({
  ...settings,
  status,
  has_secret: secret !== null,
  ...(settings.protocol === 'saml' && {
    keys: keys.map(({ id, status, certificate }) => ({ id, status, certificate })),
  }),
})

/** Operator command: manages other identity providers. */
export const connections = await operatorProgram(import.meta.url, {
  usage: USAGE,
  options,
  needs: (action) => (action === 'list' ? undefined : 'Which connection? Give its slug'),
  actions: {
    async list() {},
    async show(call: Call) {
      await existing(call)
    },
    async add(call: Call) {
      const settings = await settingsOf(call, {})
      const id = newId()
      const key = settings.protocol === 'saml' ? await newKey(call) : undefined
      await act(call.gateway, async (work) => {
        if (await findConnection(call.gateway.reads, settings.slug))
          throw new RefusedError(`There is already a connection "${settings.slug}"`)
        const before = await findNamed(call.gateway.reads, settings.slug)
        if (before && authorityOf(before) !== authorityOf(settings)) throw new GatewayError('connection_authority')
        const stream = work.start(connection, id, {})
        stream.decide(() => addConnection(settings, sealed(call, id, settings)))
        if (key) stream.decide((state) => addConnectionKey(state, key))
      })
    },
    async change(call: Call) {
      const { settings: before } = await existing(call)
      const settings = await settingsOf(call, before)
      await decide(call, (state, id) => changeConnection(state, { settings, secret: sealed(call, id, settings) }))
    },
    enable: (call: Call) => decide(call, (state) => enableConnection(state, reasonOf(call))),
    disable: (call: Call) => decide(call, (state) => disableConnection(state, reasonOf(call))),
    async 'add-key'(call: Call) {
      if ((await existing(call)).settings.protocol !== 'saml') throw new RefusedError('Only SAML connections have keys')
      const key = await newKey(call)
      await decide(call, (state) => addConnectionKey(state, key))
    },
    'activate-key': (call: Call) => decide(call, (state) => activateConnectionKey(state, keyOf(call))),
    'retire-key': (call: Call) => decide(call, (state) => retireConnectionKey(state, keyOf(call))),
    remove: (call: Call) => decide(call, (state) => removeConnection(state, reasonOf(call))),
  },
  async print(_, { gateway, action, what }) {
    const all = await listConnections(gateway.reads)
    const json = all.filter(({ slug }) => action === 'list' || slug === what.toLowerCase()).map(shown)
    if (action === 'show') return { json, text: JSON.stringify(json, null, 2) }
    const rows = all.map(({ slug, status, settings }) => ({
      ...{ slug, status, protocol: settings.protocol, name: settings.name },
      at: settings.issuer ?? settings.authorization_endpoint ?? settings.saml?.entry_point ?? settings.hook?.url,
      callback: settings.protocol === 'saml' ? `/v1/auth/saml/${slug}/acs` : `/v1/auth/oauth/callback/${slug}`,
    }))
    return { json, text: table(rows) || 'no connections yet' }
  },
})

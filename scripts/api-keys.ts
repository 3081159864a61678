import { parseArgs } from 'node:util'
import { uuidv7 } from 'uuidv7'
import { definedScopes } from '../shared/api-keys/api-key-draft.ts'
import { newKeyBody, PLAIN_SETTINGS, readSettings } from '../shared/api-keys/api-key-input.ts'
import { describeHistory, describeKey } from '../shared/api-keys/api-key-record.ts'
import { endKey } from '../shared/api-keys/key-lineage.ts'
import { apiKey, createKey } from '../shared/domain/api-key.ts'
import type { Gateway } from '../shared/gateway.ts'
import { findKey, findKeysByHash, listKeyHistory, listKeys } from '../shared/queries/api-keys.ts'
import { hashToken } from '../shared/tokens/opaque.ts'
import { findIdentity, type IdentitySummary } from './lib/find-identity.ts'
import { act, withGateway } from './lib/operator.ts'
import { program, RefusedError, runAsProgram, type Terminal, table, UsageError } from './lib/terminal.ts'

const USAGE = `npm run api-keys -- list <uai or e-mail>
npm run api-keys -- show <id>
npm run api-keys -- find                              reads the key from standard input
npm run api-keys -- revoke <id> [--reason <text>]
npm run api-keys -- import <uai or e-mail> --name <text> --hash <sha-256 hex> [--scope <scope>]… [--expires-at <date>]

import adds a key that was issued elsewhere, by its hash; the key itself is not needed.
--json prints JSON. Exit code 1: refused, 2: wrong usage.`

const options = {
  json: { type: 'boolean' },
  reason: { type: 'string', default: 'operator' },
  name: { type: 'string' },
  hash: { type: 'string' },
  scope: { type: 'string', multiple: true },
  'expires-at': { type: 'string' },
} as const

type Flags = { name?: string; hash?: string; scope?: string[]; 'expires-at'?: string; reason: string }
type Call = { gateway: Gateway; flags: Flags; what: string; terminal: Terminal }

async function person(gateway: Gateway, who: string): Promise<IdentitySummary> {
  const found = await findIdentity(gateway, who)
  if (!found) throw new RefusedError('No such identity')
  return found
}

async function shown({ reads, personal, now }: Gateway, id: string) {
  const key = await findKey(reads, personal, id)
  if (!key) throw new RefusedError('There is no such key')
  return { ...describeKey(key, now()), history: (await listKeyHistory(reads, id)).map(describeHistory) }
}

async function readLine(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks).toString().trim()
}

async function importKey({ gateway, flags, what }: Call) {
  const { name, hash, scope } = flags
  if (!name || !hash) throw new UsageError('import needs --name and --hash')
  if (!/^[0-9a-f]{64}$/.test(hash))
    throw new UsageError('--hash takes the SHA-256 of the key as 64 lower-case hex digits')
  const owner = await person(gateway, what)
  const asked = newKeyBody().safeParse({ name, scopes: scope, expires_at: flags['expires-at'] })
  if (!asked.success) throw new RefusedError(asked.error.issues.map((one) => one.message).join(', '))
  const defined = await definedScopes(gateway.reads)
  const { settings, notes } = readSettings(asked.data, PLAIN_SETTINGS, { now: gateway.now(), defined })
  if (notes.length > 0) throw new RefusedError(notes.join(' '))
  const id = uuidv7()
  await act(gateway, async (work) => {
    if ((await findKeysByHash(gateway.reads, [hash])).length > 0) throw new RefusedError('That key already exists')
    work.start(apiKey, id, { subject: owner.uai }).decide(() =>
      createKey({
        owner: { type: 'person', id: owner.uai },
        organizationId: owner.organization_id,
        createdBy: owner.uai,
        origin: 'import',
        name,
        secretHash: hash,
        preview: 'imported',
        settings,
      }),
    )
  })
  return shown(gateway, id)
}

const actions: Record<string, (call: Call) => Promise<object>> = {
  show: ({ gateway, what }) => shown(gateway, what),
  find: async ({ gateway }) => {
    const [found] = await findKeysByHash(gateway.reads, [hashToken(await readLine())])
    if (!found) throw new RefusedError('There is no such key')
    return shown(gateway, found.id)
  },
  revoke: async ({ gateway, flags, what }) => {
    const { user_id: createdBy } = await shown(gateway, what)
    await act(gateway, (work) => endKey(work, { id: what, createdBy }, flags.reason))
    return shown(gateway, what)
  },
  import: importKey,
}

async function list({ gateway, what }: Call) {
  const { uai, organization_id } = await person(gateway, what)
  const keys = await listKeys(gateway.reads, gateway.personal, { owners: [uai, organization_id], activeOnly: false })
  return keys.map((key) => describeKey(key, gateway.now()))
}

const asText = (answer: object) =>
  Object.entries(answer)
    .map(([name, value]) => `${name.padEnd(20)}${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join('\n')

async function command(args: string[], terminal: Terminal): Promise<number> {
  const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [action = '', what = '', ...rest] = positionals
  const perform = actions[action]
  if ((!perform && action !== 'list') || rest.length > 0) throw new UsageError(`There is no "${positionals.join(' ')}"`)
  if (!what && action !== 'find')
    throw new UsageError(
      action === 'list' || action === 'import'
        ? 'Whose key? Give a UAI or an e-mail address'
        : 'Which key? Give its id',
    )
  return withGateway(terminal, async (gateway) => {
    const call: Call = { gateway, flags, what, terminal }
    if (!perform) {
      const keys = await list(call)
      const rows = keys.map(({ id, name, key_preview, status, permissions, last_used_at }) => ({
        id,
        name,
        key: key_preview,
        status,
        scopes: permissions.join(' '),
        'last used': last_used_at ?? '',
      }))
      terminal.out(flags.json ? JSON.stringify(keys, null, 2) : table(rows))
      return 0
    }
    const answer = await perform(call)
    terminal.out(flags.json ? JSON.stringify(answer, null, 2) : asText(answer))
    return 0
  })
}

/** Operator command: manages API keys. */
export const apiKeys = program(USAGE, command)

await runAsProgram(import.meta.url, apiKeys)

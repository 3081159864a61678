import { text } from 'node:stream/consumers'
import { definedScopes } from '../shared/api-keys/api-key-draft.ts'
import { newKeyBody, PLAIN_SETTINGS, readSettings } from '../shared/api-keys/api-key-input.ts'
import { describeHistory, describeKey } from '../shared/api-keys/api-key-record.ts'
import { endKey } from '../shared/api-keys/key-lineage.ts'
import { apiKey, createKey } from '../shared/domain/api-key.ts'
import type { Gateway } from '../shared/gateway.ts'
import { newId } from '../shared/ids.ts'
import { findKey, findKeysByHash, listKeyHistory, listKeys } from '../shared/queries/api-keys.ts'
import { hashToken } from '../shared/tokens/opaque.ts'
import { findIdentity, type IdentitySummary } from './lib/find-identity.ts'
import { act, type OperatorCall, operatorProgram } from './lib/operator.ts'
import { fieldLines, RefusedError, table, UsageError } from './lib/terminal.ts'

const USAGE = `npm run api-keys -- list <uai or e-mail>
npm run api-keys -- show <id>
npm run api-keys -- find                              reads the key from standard input
npm run api-keys -- revoke <id> [--reason <text>]
npm run api-keys -- import <uai or e-mail> --name <text> --hash <sha-256 hex> [--scope <scope>]… [--expires-at <date>]

import adds a key that was issued elsewhere, by its hash; the key itself is not needed.
--json prints JSON. Exit code 1: refused, 2: wrong usage.`

const string = { type: 'string' } as const
const options = {
  reason: { type: 'string', default: 'operator' },
  ...{ name: string, hash: string, 'expires-at': string },
  scope: { type: 'string', multiple: true },
} as const
type Call = OperatorCall<typeof options>

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

const listText = (keys: ReturnType<typeof describeKey>[]) =>
  table(
    keys.map(({ id, name, key_preview, status, permissions, last_used_at }) => ({
      ...{ id, name, key: key_preview, status },
      scopes: permissions.join(' '),
      'last used': last_used_at,
    })),
  )

const keyText = (key: object) =>
  fieldLines(
    Object.entries(key).map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : value]),
  )

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
  const id = newId()
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

/** Operator command: manages API keys. */
export const apiKeys = await operatorProgram(import.meta.url, {
  usage: USAGE,
  options,
  needs(action) {
    if (action === 'find') return undefined
    return /list|import/.test(action) ? 'Whose key? Give a UAI or an e-mail address' : 'Which key? Give its id'
  },
  actions: {
    async list({ gateway, what }: Call): Promise<object> {
      const { uai, organization_id } = await person(gateway, what)
      const owners = [uai, organization_id]
      const keys = await listKeys(gateway.reads, gateway.personal, { owners, activeOnly: false })
      return keys.map((key) => describeKey(key, gateway.now()))
    },
    show: ({ gateway, what }: Call) => shown(gateway, what),
    async find({ gateway }: Call) {
      const [found] = await findKeysByHash(gateway.reads, [hashToken((await text(process.stdin)).trim())])
      if (!found) throw new RefusedError('There is no such key')
      return shown(gateway, found.id)
    },
    async revoke({ gateway, flags, what }: Call) {
      const { user_id: createdBy } = await shown(gateway, what)
      await act(gateway, (work) => endKey(work, { id: what, createdBy }, flags.reason))
      return shown(gateway, what)
    },
    import: importKey,
  },
  print: (answer) => ({ json: answer, text: Array.isArray(answer) ? listText(answer) : keyText(answer) }),
})

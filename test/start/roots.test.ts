import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { onServer } from '../../scripts/lib/gateway-database.ts'
import { loadConfig } from '../../shared/config.ts'
import { openGateway } from '../../shared/gateway.ts'
import { startErrors } from '../../shared/start.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { ARN, type KmsStandIn, OTHER_ARN, startKms } from '../support/kms.ts'

const secret = () => randomBytes(32).toString('base64')
const CONTEXT = { purpose: 'lanonasis-auth-gateway key ring' }

let database: TestDatabase
let kms: KmsStandIn

beforeAll(async () => {
  kms = await startKms()
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIATEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await kms?.stop()
})
beforeEach(async () => {
  database = await createTestDatabase()
  return () => database.drop()
})

const open = async (env: NodeJS.ProcessEnv) => {
  const { gateway, ring } = await openGateway(loadConfig({ NODE_ENV: 'test', DATABASE_URL: database.appUrl, ...env }))
  await gateway.close()
  return { root: ring.root, csrf: gateway.ring.key('csrf').toString('hex') }
}
const storedRoot = async () =>
  (await onServer(database.superuserUrl, (sql) => sql`select root from auth_gateway.key_root`))[0]?.root

describe('a key of AWS KMS', () => {
  const settings = (arns: string) => ({ AUTH_ROOT_KMS_KEY: arns, AUTH_ROOT_KMS_URL: kms.url })

  test('wraps the root key once, and unwraps it once at each start', async () => {
    const first = await open(settings(ARN))
    expect(kms.taken().map(({ target, body }) => [target, body.KeyId, body.EncryptionContext])).toEqual([
      ['TrentService.Encrypt', ARN, CONTEXT],
      ['TrentService.Decrypt', ARN, CONTEXT],
    ])
    expect(await storedRoot()).toBe(`kms:${ARN}`)
    expect(await open(settings(`${OTHER_ARN}|${ARN}`))).toEqual({ root: 1, csrf: first.csrf })
    const [request, ...more] = kms.taken()
    expect([request?.target, more]).toEqual(['TrentService.Decrypt', []])
    expect(request?.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIATEST\/\d{8}\/eu-central-1\/kms\/aws4_request/,
    )
  })

  test('that is another one, or a secret, does not open it; KMS is not asked', async () => {
    await open(settings(ARN))
    kms.taken()
    await expect(open(settings(OTHER_ARN))).rejects.toThrow(startErrors.root)
    await expect(open({ AUTH_MASTER_SECRET: secret() })).rejects.toThrow(startErrors.root)
    expect(kms.taken()).toEqual([])
  })

  test('that KMS refuses fails the start, which is tried again', async () => {
    await open(settings(ARN))
    kms.refuse('AccessDeniedException')
    await expect(open(settings(ARN))).rejects.toThrow('AccessDeniedException')
    kms.refuse(undefined)
    expect(await open(settings(ARN))).toMatchObject({ root: 0 })
  })

  test('is not needed for a database under a secret', async () => {
    const own = secret()
    const first = await open({ AUTH_MASTER_SECRET: own })
    kms.taken()
    expect(await open({ ...settings(ARN), AUTH_MASTER_SECRET: own })).toEqual({ root: 1, csrf: first.csrf })
    expect(kms.taken()).toEqual([])
  })
})

test('secrets in a file come before those of the environment', async () => {
  const [inFile, before, inEnvironment] = [secret(), secret(), secret()]
  const file = path.join(tmpdir(), `root-${randomBytes(6).toString('hex')}`)
  await writeFile(file, `${inFile}|${before}\n`)
  const { csrf } = await open({ AUTH_MASTER_SECRET: inEnvironment })
  expect(await open({ AUTH_MASTER_SECRET_FILE: file, AUTH_MASTER_SECRET: inEnvironment })).toEqual({ root: 2, csrf })
  await expect(open({ AUTH_MASTER_SECRET_FILE: file })).rejects.toThrow(startErrors.root)
  await writeFile(file, 'short')
  await expect(open({ AUTH_MASTER_SECRET_FILE: file })).rejects.toThrow(`${file} has no master secrets`)
  await rm(file)
})

test('a new database gets random keys, which its root does not give', async () => {
  const own = { AUTH_MASTER_SECRET: secret() }
  const { csrf } = await open(own)
  expect((await open(own)).csrf).toBe(csrf)
  await onServer(database.superuserUrl, (sql) => sql`truncate auth_gateway.key_ring, auth_gateway.key_root`)
  expect((await open(own)).csrf).not.toBe(csrf)
})

test('a key that takes the place of another does not open', async () => {
  const own = { AUTH_MASTER_SECRET: secret() }
  await open(own)
  await onServer(
    database.superuserUrl,
    (sql) => sql`
      update auth_gateway.key_ring k set sealed = o.sealed from auth_gateway.key_ring o
      where k.purpose = 'csrf' and o.purpose = 'pairwise-subject'`,
  )
  await expect(open(own)).rejects.toThrow()
})

import { beforeAll, describe, expect, test } from 'vitest'
import { api, type Body, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { ask } from '../support/as-browser.ts'
import { eventsOf, useGateway } from '../support/gateway.ts'
import { signInOperator } from '../support/operators.ts'
import { ageStepUp, runMaintenance } from '../support/rows.ts'
import { getTokens } from '../support/sign-in.ts'

const PROJECTS = '/api/v1/projects'
const NOBODY = '0195d000-0000-7000-8000-0000000000ff'

const gateway = useGateway()
let ada: DirectSignIn
let eve: DirectSignIn
let names = 0
beforeAll(async () => {
  ada = await directSignIn(gateway)
  eve = await directSignIn(gateway)
})

const as =
  ({ token }: { token: string }) =>
  (method: string, path: string, body?: unknown) =>
    api(gateway, method, `${PROJECTS}${path}`, { token, body })
const newProject = async (settings: object = {}, person = ada): Promise<Body> => {
  const { status, body } = await as(person)('POST', '', { name: `project ${++names}`, ...settings })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return body
}
const newStored = async (projectId: string, settings: object = {}): Promise<Body> => {
  const given = { name: `secret ${++names}`, encryptedValue: 'sealed by the caller', ...settings }
  const { status, body } = await as(ada)('POST', `/${projectId}/api-keys`, given)
  if (status !== 201) throw new Error(JSON.stringify(body))
  return body
}
const statusAndCode = ({ status, body }: { status: number; body: Body }) => [status, body.code]

describe('projects', () => {
  test('201 with the bare object in camel case, 200 with it in a bare list', async () => {
    const given = {
      name: 'Maple',
      description: 'A hub',
      teamMembers: [eve.uai, 'bob@example.com'],
      settings: { theme: 'dark' },
    }
    const { status, body } = await as(ada)('POST', '', given)
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      ...given,
      organizationId: expect.any(String),
      ownerId: ada.uai,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect((await as(ada)('GET', `/${body.id}`)).body).toEqual(body)
    expect((await as(ada)('GET', '')).body).toContainEqual(body)
    const stored = JSON.stringify(await eventsOf(gateway, 'project', body.id))
    for (const secret of ['Maple', 'bob@example.com', 'dark']) expect(stored).not.toContain(secret)
  })

  test.each(['/api/v1/projects', '/v1/projects', '/api/v1/api-keys/projects', '/api/v1/auth/api-keys/projects'])(
    '200 and 201 at %s',
    async (path) => {
      expect(await api(gateway, 'GET', path, { token: ada.token })).toMatchObject({
        status: 200,
        body: expect.any(Array),
      })
      expect((await api(gateway, 'POST', path, { token: ada.token, body: { name: path } })).status).toBe(201)
      await api(gateway, 'GET', path, { token: ada.token }).then(async ({ body }) => {
        const { id } = body.find((one: Body) => one.name === path)
        await as(ada)('DELETE', `/${id}`)
      })
    },
  )

  test.each(['PUT', 'PATCH'])('200 for %s, which leaves what it does not name', async (method) => {
    const { id, description } = await newProject({ description: 'stays' })
    const changed = await as(ada)(method, `/${id}`, { name: `renamed by ${method}` })
    expect(changed).toMatchObject({ status: 200, body: { id, name: `renamed by ${method}`, description } })
  })

  test('200 {success:true} for DELETE, then 404; the keys in it are gone too', async () => {
    const { id } = await newProject()
    const key = await newStored(id)
    expect(await as(ada)('DELETE', `/${id}`)).toMatchObject({ status: 200, body: { success: true } })
    expect(statusAndCode(await as(ada)('GET', `/${id}`))).toEqual([404, 'PROJECT_NOT_FOUND'])
    const types = (await eventsOf(gateway, 'stored_key', key.id)).map(({ event_type }) => event_type)
    expect(types).toEqual(['StoredKeyAdded', 'StoredKeyRemoved'])
  })

  test.each([
    [400, 'INVALID_NAME', {}],
    [400, 'INVALID_NAME', { name: '  ' }],
    [400, 'INVALID_NAME', { name: 'x'.repeat(201) }],
    [400, 'INVALID_ORGANIZATION', { name: 'x', organizationId: NOBODY }],
    [400, 'INVALID_ORGANIZATION', { name: 'x', organizationId: 'nonsense' }],
    [400, 'INVALID_REQUEST', { name: 'x', settings: 'dark' }],
  ])('%i %s for %j', async (status, code, body) => {
    expect(statusAndCode(await as(ada)('POST', '', body))).toEqual([status, code])
  })

  test('409 for a name that a live project has, in any case; 201 for one of twenty at once', async () => {
    await newProject({ name: 'Once' })
    expect(statusAndCode(await as(ada)('POST', '', { name: ' ONCE' }))).toEqual([409, 'PROJECT_CONFLICT'])
    const answers = await Promise.all(Array.from({ length: 20 }, () => as(ada)('POST', '', { name: 'Race' })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)])
  })

  test('404 for another user’s, as for a missing one; 400 for an invalid id; 401 without a credential', async () => {
    const { id } = await newProject()
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const theirs = await as(eve)(method, `/${id}`, method === 'PUT' ? { name: 'mine' } : undefined)
      expect([method, ...statusAndCode(theirs)]).toEqual([method, 404, 'PROJECT_NOT_FOUND'])
    }
    expect(statusAndCode(await as(ada)('GET', '/nonsense'))).toEqual([400, 'INVALID_PROJECT_ID'])
    expect(statusAndCode(await as(ada)('GET', `/${NOBODY}`))).toEqual([404, 'PROJECT_NOT_FOUND'])
    expect((await api(gateway, 'GET', PROJECTS)).status).toBe(401)
    expect((await as(eve)('GET', '')).body.map((one: Body) => one.id)).not.toContain(id)
  })

  test('a team member sees it and keeps keys in it; 403 NOT_OWNER to change or delete it', async () => {
    const { id } = await newProject({ teamMembers: [eve.uai] })
    expect((await as(eve)('GET', `/${id}`)).status).toBe(200)
    expect((await as(eve)('POST', `/${id}/api-keys`, { name: 'ours', encryptedValue: 'x' })).status).toBe(201)
    expect(statusAndCode(await as(eve)('PUT', `/${id}`, { name: 'mine' }))).toEqual([403, 'NOT_OWNER'])
    expect(statusAndCode(await as(eve)('DELETE', `/${id}`))).toEqual([403, 'NOT_OWNER'])
  })

  test('404 for an operator, except one of all organizations who stepped up and asks this gateway alone', async () => {
    const { id } = await newProject()
    const stored = await newStored(id)
    for (const role of ['admin', 'platform_admin'] as const) {
      const operator = await signInOperator(gateway, role)
      const { access_token: shared } = await getTokens(gateway, operator)
      const found = role === 'platform_admin' ? 200 : 404
      for (const path of ['', `/api-keys`, `/api-keys/${stored.id}`])
        expect([
          ...[role, path, (await ask(gateway, operator, 'GET', `${PROJECTS}/${id}${path}`)).status],
          (await as({ token: shared })('GET', `/${id}${path}`)).status,
        ]).toEqual([role, path, found, 404])
      const sibling = await ask(gateway, operator, 'GET', `${PROJECTS}/${id}`, undefined, 'http://127.0.0.1:1')
      expect([role, sibling.status]).toEqual([role, 404])
      const read = (await eventsOf(gateway, 'record_read')).filter(({ metadata }) =>
        JSON.stringify(metadata).includes(operator.uai),
      )
      expect([role, read.length]).toEqual([role, role === 'platform_admin' ? 3 : 0])
      await ageStepUp(gateway, operator.uai, 3600)
      expect([role, (await ask(gateway, operator, 'GET', `${PROJECTS}/${id}`)).status]).toEqual([role, 404])
    }
  })

  test('403 for a credential without secrets:write that deletes a project with stored keys', async () => {
    const empty = await newProject()
    const full = await newProject()
    await newStored(full.id)
    const { key } = await newKey(gateway, ada, { scopes: ['projects:write'] })
    expect((await api(gateway, 'DELETE', `${PROJECTS}/${empty.id}`, { key })).status).toBe(200)
    expect(statusAndCode(await api(gateway, 'DELETE', `${PROJECTS}/${full.id}`, { key }))).toEqual([
      403,
      'SCOPE_INSUFFICIENT',
    ])
    const both = await newKey(gateway, ada, { scopes: ['projects:write', 'secrets:write'] })
    expect((await api(gateway, 'DELETE', `${PROJECTS}/${full.id}`, { key: both.key })).status).toBe(200)
  })

  test('403 at the API-key address for a key without the scopes for secrets', async () => {
    const { id: projectId } = await newProject()
    const { key } = await newKey(gateway, ada, { scopes: ['api-keys:*', 'projects:*'] })
    const secret = { name: 'mail', value: 'x', projectId }
    const asks = [
      await api(gateway, 'GET', `/api/v1/api-keys?projectId=${projectId}`, { key }),
      await api(gateway, 'POST', '/api/v1/api-keys', { key, body: secret }),
    ]
    expect(asks.map(statusAndCode)).toEqual(Array(2).fill([403, 'SCOPE_INSUFFICIENT']))
  })

  test('403 for an API key without the scope', async () => {
    const { key } = await newKey(gateway, ada)
    const refused = await api(gateway, 'GET', PROJECTS, { key })
    expect(statusAndCode(refused)).toEqual([403, 'SCOPE_INSUFFICIENT'])
    expect(refused.body.message).toBe('The API key lacks the scope projects:read.')
    expect(refused.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", scope="projects:read", resource_metadata="${gateway.url}/.well-known/oauth-protected-resource"`,
    )
    const reader = await newKey(gateway, ada, { scopes: ['projects:read'] })
    expect((await api(gateway, 'GET', PROJECTS, { key: reader.key })).status).toBe(200)
    expect((await api(gateway, 'POST', PROJECTS, { key: reader.key, body: { name: 'x' } })).status).toBe(403)
  })
})

describe('stored keys', () => {
  test('201 with the record; the value is in no event and is returned unchanged', async () => {
    const project = await newProject()
    const given = {
      name: 'OpenAI',
      encryptedValue: 'cipher:Zm9v',
      keyType: 'api_key',
      environment: 'production',
      accessLevel: 'team',
      tags: ['llm'],
      rotationFrequency: 'monthly',
      expiresAt: '2030-01-01T00:00:00.000Z',
      metadata: { owner: 'ada' },
    }
    const { status, body } = await as(ada)('POST', `/${project.id}/api-keys`, given)
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      ...given,
      projectId: project.id,
      organizationId: project.organizationId,
      status: 'active',
      usageCount: 0,
      lastRotated: null,
      createdBy: ada.uai,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect((await as(ada)('GET', `/${project.id}/api-keys`)).body).toEqual([body])
    const [row] = await gateway.sql`select * from auth_gateway.stored_keys where id = ${body.id}`
    const kept = JSON.stringify([await eventsOf(gateway, 'stored_key', body.id), row])
    for (const secret of ['cipher:Zm9v', 'OpenAI', 'llm', 'ada"']) expect(kept).not.toContain(secret)
  })

  test('200 for GET, which counts; for PATCH, where a new value sets lastRotated; for DELETE, then 404', async () => {
    const { id: projectId } = await newProject()
    const key = await newStored(projectId, { tags: ['a'] })
    const path = `/${projectId}/api-keys/${key.id}`
    await as(ada)('GET', path)
    expect((await as(ada)('GET', path)).body).toMatchObject({ usageCount: 1, encryptedValue: 'sealed by the caller' })
    const renamed = await as(ada)('PATCH', path, { name: 'renamed', status: 'disabled' })
    expect(renamed.body).toMatchObject({ name: 'renamed', status: 'disabled', tags: ['a'], lastRotated: null })
    const replaced = await as(ada)('PATCH', path, { encryptedValue: 'new value' })
    expect(replaced.body).toMatchObject({ encryptedValue: 'new value', lastRotated: expect.any(String) })
    expect(await as(ada)('DELETE', path)).toMatchObject({ status: 200, body: { success: true } })
    expect(statusAndCode(await as(ada)('GET', path))).toEqual([404, 'KEY_NOT_FOUND'])
  })

  test('old values are destroyed by the next maintenance', async () => {
    const { id: projectId } = await newProject()
    const key = await newStored(projectId)
    const values = () => gateway.sql`select event_id from auth_gateway.event_secrets where stream_id = ${key.id}`
    await as(ada)('PATCH', `/${projectId}/api-keys/${key.id}`, { encryptedValue: 'second' })
    expect(await values()).toHaveLength(2)
    await runMaintenance(gateway)
    expect(await values()).toHaveLength(1)
    expect((await as(ada)('GET', `/${projectId}/api-keys/${key.id}`)).body.encryptedValue).toBe('second')
    await as(ada)('DELETE', `/${projectId}/api-keys/${key.id}`)
    await runMaintenance(gateway)
    expect(await values()).toHaveLength(0)
  })

  test.each([
    [400, 'INVALID_NAME', { encryptedValue: 'x' }],
    [400, 'INVALID_VALUE', { name: 'x' }],
    [400, 'INVALID_VALUE', { name: 'x', encryptedValue: 'x'.repeat(48_001) }],
    [400, 'INVALID_REQUEST', { name: 'x', encryptedValue: 'x', expiresAt: 'tomorrow' }],
  ])('%i %s for %j', async (status, code, body) => {
    const { id } = await newProject()
    expect(statusAndCode(await as(ada)('POST', `/${id}/api-keys`, body))).toEqual([status, code])
  })

  test('409 for a name in the same project; 201 for one of twenty at once', async () => {
    const { id } = await newProject()
    await newStored(id, { name: 'One' })
    expect(statusAndCode(await as(ada)('POST', `/${id}/api-keys`, { name: 'one', encryptedValue: 'x' }))).toEqual([
      409,
      'KEY_CONFLICT',
    ])
    const race = { name: 'Race', encryptedValue: 'x' }
    const answers = await Promise.all(Array.from({ length: 20 }, () => as(ada)('POST', `/${id}/api-keys`, race)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)])
  })

  test('404 for a key of another project or person, 400 for what is no id', async () => {
    const [one, other] = [await newProject(), await newProject()]
    const key = await newStored(one.id)
    expect(statusAndCode(await as(ada)('GET', `/${other.id}/api-keys/${key.id}`))).toEqual([404, 'KEY_NOT_FOUND'])
    expect(statusAndCode(await as(eve)('GET', `/${one.id}/api-keys/${key.id}`))).toEqual([404, 'KEY_NOT_FOUND'])
    expect(statusAndCode(await as(eve)('GET', `/${one.id}/api-keys`))).toEqual([404, 'PROJECT_NOT_FOUND'])
    expect(statusAndCode(await as(ada)('GET', `/${one.id}/api-keys/x`))).toEqual([400, 'INVALID_KEY_ID'])
  })

  test('403 for an API key that may see projects but not secrets', async () => {
    const { id } = await newProject()
    const { key } = await newKey(gateway, ada, { scopes: ['projects:*'] })
    expect(statusAndCode(await api(gateway, 'GET', `${PROJECTS}/${id}/api-keys`, { key }))).toEqual([
      403,
      'SCOPE_INSUFFICIENT',
    ])
  })

  test('no one reads a value once its creator was erased', async () => {
    const mallory = await directSignIn(gateway)
    const project = await newProject({ teamMembers: [ada.uai] }, mallory)
    const theirs = await as(mallory)('POST', `/${project.id}/api-keys`, { name: 'x', encryptedValue: 'to forget' })
    await gateway.sql`delete from auth_gateway.subject_keys where subject = ${mallory.uai}`
    const { body } = await as(ada)('GET', `/${project.id}/api-keys/${theirs.body.id}`)
    expect(body).toMatchObject({ name: '', encryptedValue: '' })
  })
})

describe('as the editor extension sends it', () => {
  const KEYS = '/api/v1/api-keys'
  const ask = (method: string, path: string, body?: unknown) =>
    api(gateway, method, `${KEYS}${path}`, { token: ada.token, body })

  test('a body with value and projectId keeps a secret; its id is read, changed, rotated and deleted, unwrapped', async () => {
    const { id: projectId } = await newProject()
    const given = {
      name: 'Stripe',
      value: 'sk_test_x',
      keyType: 'api_key',
      environment: 'development',
      accessLevel: 'team',
      projectId,
    }
    const { status, body } = await ask('POST', '', given)
    expect([status, body.encryptedValue, body.projectId]).toEqual([201, 'sk_test_x', projectId])
    expect((await ask('GET', `?projectId=${projectId}`)).body.data).toEqual([body])
    expect((await ask('GET', `/${body.id}`)).body).toMatchObject({ id: body.id, keyType: 'api_key' })
    expect((await ask('PUT', `/${body.id}`, { name: 'Stripe 2' })).body.name).toBe('Stripe 2')
    const bare = await ask('POST', `/${body.id}/rotate`)
    expect(statusAndCode(bare)).toEqual([400, 'INVALID_VALUE'])
    expect(bare.body.message).toBe('To rotate a stored key, send its new value as value or encryptedValue.')
    expect((await ask('POST', `/${body.id}/rotate`, { value: 'sk_test_y' })).body.encryptedValue).toBe('sk_test_y')
    expect(await ask('DELETE', `/${body.id}`)).toMatchObject({ status: 200, body: { success: true } })
    expect(statusAndCode(await ask('GET', `/${body.id}`))).toEqual([404, 'KEY_NOT_FOUND'])
  })

  test('a platform key is created where there is no value; a secret of another user is not found', async () => {
    expect((await ask('POST', '', { name: 'platform' })).body.data.key).toMatch(/^lano_/)
    const { id: projectId } = await newProject({}, eve)
    const theirs = await as(eve)('POST', `/${projectId}/api-keys`, { name: 'x', encryptedValue: 'y' })
    for (const method of ['GET', 'DELETE'])
      expect(statusAndCode(await ask(method, `/${theirs.body.id}`))).toEqual([404, 'KEY_NOT_FOUND'])
    expect(statusAndCode(await ask('GET', `?projectId=${projectId}`))).toEqual([404, 'PROJECT_NOT_FOUND'])
  })
})

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { directSignIn } from '../support/api-keys.ts'
import { useGateway } from '../support/gateway.ts'
import { post } from '../support/sign-in.ts'

const run = promisify(execFile)
const gateway = useGateway()
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  const [live, revoked] = [await directSignIn(gateway), await directSignIn(gateway)]
  await post(gateway, '/oauth/revoke', { token: revoked.token, client_id: 'lanonasis-cli' })
  const { PATH, HOME } = process.env
  env = {
    ...{ PATH, HOME, GOPROXY: 'off', GOFLAGS: '-count=1', PYTHONDONTWRITEBYTECODE: '1' },
    LIVE_ISSUER: gateway.url,
    LIVE_AUDIENCE: 'https://api.lanonasis.com',
    LIVE_TOKENS: `${live.token} ${revoked.token}`,
  }
})

const works = (file: string, ...args: string[]) =>
  run(file, args).then(
    () => true,
    () => false,
  )
const hasGo = await works('go', 'version')
const hasPython =
  existsSync('/usr/bin/python3') && (await works('/usr/bin/python3', '-c', 'import fastapi, httpx, jwt'))

test.runIf(hasGo)('the verifier in Go passes the vectors, and refuses a token that this gateway revoked', async () => {
  const { stdout } = await run('go', ['test', '-v', './...'], { cwd: 'packages/go', env })
  expect(stdout).toContain('--- PASS: TestLive')
  expect(stdout).toContain('--- PASS: TestVectors')
})

test.runIf(hasPython)(
  'the verifier in Python passes the vectors, and refuses a token that this gateway revoked',
  async () => {
    const args = ['-m', 'unittest', 'discover', '-v', 'tests']
    const { stderr } = await run('/usr/bin/python3', args, { cwd: 'packages/python', env })
    expect(stderr).toMatch(/^test_live .* ok$/m)
    expect(stderr).toMatch(/^test_vectors .* ok$/m)
  },
)

import { readFileSync } from 'node:fs'
import { createVerifier, RequestRefused } from '@lanonasis/auth-server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FILE, makeVectors, type Step, type Vectors } from './make-vectors.ts'

const { issuer, audience, keys, vectors }: Vectors = JSON.parse(readFileSync(FILE, 'utf8'))
afterEach(() => void vi.useRealTimers())

/** A gateway that answers as the current step says. */
function standIn() {
  let current: Step | undefined
  const questions: Record<string, unknown>[] = []
  const answering: typeof fetch = async (input, init) => {
    if (!current) throw new Error('no step')
    if (String(input) === `${issuer}/oauth/jwks.json`) return Response.json(keys[current.keys])
    expect(String(input)).toBe(`${issuer}/v1/auth/verify`)
    questions.push(JSON.parse(String(init?.body)))
    const { status, headers, body } = current.gateway ?? { status: 599 }
    return Response.json(body ?? {}, { status, headers })
  }
  return { fetch: answering, questions, play: (step: Step) => (current = step) }
}

describe.each(vectors)('$mode: $name', ({ mode, steps }) => {
  test(`${steps.map((step) => step.expect.status).join(', then ')}`, async () => {
    const gateway = standIn()
    const verify = createVerifier({ issuer, audience, mode, fetch: gateway.fetch })
    for (const step of steps) {
      vi.useFakeTimers({ toFake: ['Date'], now: step.now * 1000 })
      gateway.play(step)
      const request = new Request(audience + step.path, { method: step.method, headers: step.headers })
      const outcome = await verify(request, { scope: step.scope }).then(
        ({ sub, kind, scope }) => ({ status: 200, sub, kind, scope }),
        (error: unknown) => {
          if (!(error instanceof RequestRefused)) throw error
          return { status: error.status, error: error.code }
        },
      )
      expect(outcome).toEqual(step.expect)
      expect(gateway.questions.length > 0).toBe(step.gateway !== undefined)
      if (step.asks) expect(gateway.questions.at(-1)).toMatchObject(step.asks)
      gateway.questions.length = 0
    }
  })
})

test('the vectors are those of the generator: npx tsx test/packages/make-vectors.ts', async () => {
  const shapeOf = (all: Vectors) =>
    all.vectors.map(({ name, mode, steps }) => [
      name,
      mode,
      steps.map(({ now, keys, scope, expect }) => ({ now, keys, scope, expect })),
    ])
  expect(shapeOf({ issuer, audience, keys, vectors })).toEqual(shapeOf(JSON.parse(JSON.stringify(await makeVectors()))))
})

import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import { stopLeakedKey } from '../../shared/api-keys/key-lineage.ts'
import { sendDueNotices } from '../../shared/api-keys/key-notices.ts'
import { checkScannerSignature } from '../../shared/api-keys/scanner-keys.ts'
import { GatewayError } from '../../shared/errors.ts'
import { commit } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { parsePresent } from '../../shared/present.ts'
import { findKeysByHash } from '../../shared/queries/api-keys.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'

const app = createApp('api', { tag: 'API keys' })

const text = once(() => z.string().check(z.maxLength(2000)))
const report = once(() =>
  z
    .array(z.object({ token: text(), type: z.optional(text()), url: z.optional(text()), source: z.optional(text()) }))
    .check(z.minLength(1), z.maxLength(100)),
)

function parse(body: string): z.infer<ReturnType<typeof report>> {
  try {
    return report().parse(parsePresent(body))
  } catch (cause) {
    throw new GatewayError('invalid_body', { reason: 'malformed report', cause })
  }
}

type Finding = z.infer<ReturnType<typeof report>>[number]

/** Records the leaked keys and, depending on the policy, revokes them, in one commit. */
async function stop(c: AppContext, findings: Finding[], known: { hash: string; id: string; createdBy: string }[]) {
  const policy = gateway().config.LEAKED_KEY_POLICY
  await commit(c.var.call, async (work) => {
    work.actor = { type: 'service', id: 'secret-scanner' }
    const done = new Set<string>()
    for (const { token, url, source = 'unknown' } of findings) {
      const key = known.find(({ hash }) => hash === hashToken(token))
      if (!key || done.has(key.id)) continue
      done.add(key.id)
      await stopLeakedKey(work, key, { policy, source: source.slice(0, 100), url })
    }
  })
}

/**
 * Receives leaked keys from a secret scanner (GitHub's partner format), applies the policy to those that exist, and notifies their
 * owners. The response reports by hash which were real, and never contains the keys.
 */
app.route('POST', '/v1/keys/leaked', {
  authority: byProtocol('signature'),
  operation: {
    summary: 'Receives leaked keys from a secret scanner',
    by: ['signature'],
    body: report,
    answers: {
      200: () => z.array(z.object({ token_hash: z.string(), token_type: z.string(), label: z.string() })),
    },
  },
})(async (c) => {
  const body = await c.req.text()
  await checkScannerSignature(gateway(), {
    body,
    keyId: c.req.header('github-public-key-identifier'),
    signature: c.req.header('github-public-key-signature'),
  })
  const findings = parse(body)
  const hashes = [...new Set(findings.map(({ token }) => hashToken(token)))]
  const known = await findKeysByHash(gateway().reads, hashes)
  if (known.length > 0) {
    await stop(c, findings, known)
    c.var.call.later(sendDueNotices(gateway()))
  }
  const real = new Set(known.map(({ hash }) => hash))
  return c.json(
    findings.map(({ token, type = '' }) => ({
      token_hash: createHash('sha256').update(token).digest('base64'),
      token_type: type,
      label: real.has(hashToken(token)) ? 'true_positive' : 'false_positive',
    })),
  )
})

export default serve(app)

import { type Challenge, solveChallenge } from 'altcha-lib'
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2'
import type { Page } from './test-browser.ts'

/** A solved challenge, as browsers and programs send it. */
export async function solve(challenge: Challenge): Promise<string> {
  const solution = await solveChallenge({ challenge, deriveKey })
  return Buffer.from(JSON.stringify({ challenge, solution })).toString('base64')
}

/** The challenge that a page asks its browser to solve. */
export function challengeOn({ html }: Page): Challenge | undefined {
  const [, text] = /data-challenge="([^"]*)"/.exec(html) ?? []
  return text && JSON.parse(text.replaceAll('&quot;', '"'))
}

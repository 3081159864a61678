import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { endProcess, type Target } from './target.ts'
import type { ColdRequest } from './types.ts'
import { memoryMegabytes } from './usage.ts'

export type ColdStart = {
  peer: string
  answer: string
  /** From the start of the process to the end of its first answer. */
  milliseconds: number
  /** Memory after it. */
  megabytes: number
  bundleKilobytes: number
  gzipKilobytes: number
}

const GIVE_UP_MS = 15_000

async function isAnswered(url: string, { path, method, headers, body, expect }: ColdRequest): Promise<boolean> {
  try {
    const response = await fetch(`${url}${path}`, { method, body, headers: { connection: 'close', ...headers } })
    const text = await response.text()
    return response.ok && text.includes(expect ?? '')
  } catch {
    return false
  }
}

async function startOnce(target: Target, answer: string, request: ColdRequest): Promise<ColdStart> {
  const startedAt = performance.now()
  const child = target.launch()
  try {
    while (!(await isAnswered(target.url, request))) {
      if (performance.now() - startedAt > GIVE_UP_MS)
        throw new Error(`${target.peer.name} did not answer ${request.path}`)
      await sleep(2)
    }
    const milliseconds = performance.now() - startedAt
    const code = readFileSync(target.file)
    return {
      peer: target.peer.name,
      answer,
      milliseconds,
      megabytes: memoryMegabytes(child.pid ?? 0, 'VmRSS'),
      bundleKilobytes: code.length / 1024,
      gzipKilobytes: gzipSync(code).length / 1024,
    }
  } finally {
    await endProcess(child)
  }
}

/** Starts each server again and again, in turn, until it gives its first answer without and with the database. */
export async function measureColdStarts(targets: Target[], repetitions: number): Promise<ColdStart[]> {
  const starts: ColdStart[] = []
  for (let repetition = 0; repetition < repetitions; repetition++)
    for (const target of targets) {
      const { peer, context } = target
      starts.push(await startOnce(target, 'no database', { path: peer.coldPath }))
      const request = peer.coldRequest?.(context)
      if (request) starts.push(await startOnce(target, 'from the database', request))
    }
  return starts
}

import { createHash } from 'node:crypto'
import type { Work } from '../../shared/events/commit.ts'
import type { SealingPurpose } from '../../shared/tokens/key-ring.ts'

/** Commits a unit of work; undefined when the domain refuses it. */
export type Unit = <T>(block: (work: Work) => Promise<T>) => Promise<T | undefined>

/** Seals a text as the gateway does. */
export type Seal = (purpose: SealingPurpose, text: string, context: string) => Buffer

export type Session = { id: string; uai: string }
export type TokenFamily = Session & { sessionId: string; generation: number }

export const hash = (text: string) => createHash('sha256').update(text).digest('hex')
export const later = (seconds: number) => new Date(Date.now() + seconds * 1000)
export const pick = <T>(list: T[], n: number): T | undefined => list[n % list.length]

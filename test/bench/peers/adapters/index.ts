import type { Peer } from '../types.ts'
import { betterAuth } from './better-auth.ts'
import { oidcMemory, oidcPostgres } from './oidc-provider.ts'
import { openauth } from './openauth.ts'
import { project } from './project.ts'
import { raw } from './raw.ts'

const peers: Peer[] = [raw, project, betterAuth, oidcPostgres, oidcMemory, openauth]

/** Every server that can be measured, by name. */
export const PEERS = new Map(peers.map((peer) => [peer.name, peer]))

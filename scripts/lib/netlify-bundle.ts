import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

type Packed = {
  name: string
  /** Bytes of the archive. */
  size: number
  schedule?: string
  /** The files it was made from. */
  inputs: string[]
}

const folder = fileURLToPath(new URL('../../deploy/netlify/', import.meta.url))

/** Returns whether Netlify's bundler is installed: `npm ci --prefix deploy/netlify`. */
export const hasNetlifyBundler = () => existsSync(`${folder}node_modules/@netlify/zip-it-and-ship-it`)

/**
 * Packs each function into an archive, as Netlify does when it deploys.
 * @param source folder with a bundled file per function
 * @param basePath folder that contains everything they import
 */
export async function packForNetlify(source: string, target: string, basePath: string): Promise<Packed[]> {
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { recursive: true })
  const { stdout } = await promisify(execFile)(process.execPath, [`${folder}pack.mjs`, source, target, basePath])
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

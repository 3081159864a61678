import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/**
 * The program of a package that npm has one of per platform, such as `@deno/linux-x64-glibc`; its bare name, to be found in PATH, where
 * none is installed.
 * @param scope what all names of the packages begin with
 * @param libc whether those for Linux name glibc
 */
export function platformBinary(scope: string, name: string, { libc = false } = {}): string {
  const system = `${process.platform}-${process.arch}${libc && process.platform === 'linux' ? '-glibc' : ''}`
  try {
    const folder = path.dirname(createRequire(import.meta.url).resolve(`${scope}${system}/package.json`))
    const binary = path.join(folder, process.platform === 'win32' ? `${name}.exe` : name)
    return existsSync(binary) ? binary : name
  } catch {
    return name
  }
}

/** The Deno of this project. */
export const denoBinary = () => platformBinary('@deno/', 'deno', { libc: true })

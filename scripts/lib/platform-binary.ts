import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/**
 * Returns the path of a program from its npm package for this platform, such as `@deno/linux-x64-glibc`; its bare name, to be found in
 * PATH, if none is installed.
 * @param scope common prefix of the package names
 * @param libc whether the names of Linux packages end in glibc
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

/** Returns the path of this project's Deno. */
export const denoBinary = () => platformBinary('@deno/', 'deno', { libc: true })

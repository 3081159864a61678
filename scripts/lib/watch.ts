import { existsSync, watch } from 'node:fs'

const QUIET_MILLISECONDS = 120

/**
 * Calls `onChange` once after the files below `paths` have changed and were quiet for a moment.
 * Paths that do not exist are skipped.
 */
export function watchPaths(paths: string[], onChange: (file: string) => void): void {
  let timer: NodeJS.Timeout | undefined
  for (const target of paths.filter((one) => existsSync(one))) {
    watch(target, { recursive: true }, (_event, file) => {
      if (file && /(^|[\\/])\.|~$|\.sw.$/.test(file)) return
      clearTimeout(timer)
      timer = setTimeout(() => onChange(file && file !== target ? `${target}/${file}` : target), QUIET_MILLISECONDS)
    })
  }
}

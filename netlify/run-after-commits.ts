import { watch } from '../shared/telemetry.ts'

const PAUSE_MILLISECONDS = 200

/**
 * Runs `work` shortly after this process commits events: once for all commits during the pause, and never concurrently. Commits
 * during a run cause one more run.
 */
export function runAfterCommits(work: () => Promise<unknown>, onError: (error: unknown) => void): void {
  let state: 'idle' | 'waiting' | 'running' | 'again' = 'idle'
  const run = async () => {
    state = 'running'
    await work().catch(onError)
    const again = (state as string) === 'again'
    state = 'idle'
    if (again) wake()
  }
  const wake = () => {
    if (state === 'idle') {
      state = 'waiting'
      setTimeout(run, PAUSE_MILLISECONDS).unref()
    } else if (state === 'running') state = 'again'
  }
  watch({ event: wake })
}

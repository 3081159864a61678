/** One-time work before the first request of a process. */
let prepare: (() => Promise<unknown>) | undefined

/** Registers that work. The gateway's module does so when loaded, so that no function can forget to wait for it. */
export function beforeFirstRequest(work: () => Promise<unknown>): void {
  prepare = work
}

/** Returns that work until it is done. */
export const unprepared = (): (() => Promise<unknown>) | undefined => prepare

/** Marks that work as done. */
export function prepared(): void {
  prepare = undefined
}

/** What a process has to do before its first request; done once. */
let prepare: (() => Promise<unknown>) | undefined

/** The module that serves from the database says so when it is loaded, so that no function can forget to wait for it. */
export function beforeFirstRequest(work: () => Promise<unknown>): void {
  prepare = work
}

/** That work, as long as it is not done. */
export const unprepared = (): (() => Promise<unknown>) | undefined => prepare

/** It is done. */
export function prepared(): void {
  prepare = undefined
}

/** What a request has to wait for; undefined if nothing. */
type Due = () => (() => Promise<unknown>) | undefined

let due: Due = () => undefined

/** Registers that work. The gateway's module does so when loaded, so that no function can forget to wait for it. */
export function beforeRequests(work: Due): void {
  due = work
}

/** Returns the work that the next request has to wait for. */
export const unprepared: Due = () => due()

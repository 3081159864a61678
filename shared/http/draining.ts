let draining = false

/** From now on `/ready` says no, since this process has been told to stop. */
export function startDraining(): void {
  draining = true
}

/** Whether this process has been told to stop. */
export const isDraining = (): boolean => draining

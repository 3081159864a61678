let draining = false

/** Makes `/ready` fail from now on, since this process is stopping. */
export function startDraining(): void {
  draining = true
}

/** Whether this process is stopping. */
export const isDraining = (): boolean => draining

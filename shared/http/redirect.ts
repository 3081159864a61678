/** Thrown by guards to end a request with a redirect. */
export class Redirect extends Error {
  readonly location: string
  readonly status: 302 | 303
  constructor(location: string, status: 302 | 303 = 303) {
    super('redirect')
    this.location = location
    this.status = status
  }
}

/** The redirect after a step that is done, and must not run again: an equal submission of its form gets the same redirect. */
export class StepDone extends Redirect {}

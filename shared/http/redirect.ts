/** Ends a request by sending the browser elsewhere: a guard throws it. */
export class Redirect extends Error {
  readonly location: string
  constructor(location: string) {
    super('redirect')
    this.location = location
  }
}

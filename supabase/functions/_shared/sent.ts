/** The provider that accepted a message, and its id there. */
export interface Sent {
  provider: string
  id: string
}

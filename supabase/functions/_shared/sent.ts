/** Who took a message, and what it is called there. */
export interface Sent {
  provider: string
  id: string
}

/** What is made at the first call, and stays: a cold start waits for all that modules make when they are loaded. */
export function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined
  return () => {
    made ??= make()
    return made
  }
}

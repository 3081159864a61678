/** Creates a value at the first call and caches it, so that a cold start does not wait for it. */
export function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** Set by the build. */
declare const BUILD_VERSION: string | undefined
declare const BUILD_COMMIT: string | undefined

/** What this process runs: the version in package.json and the commit that it was built from. */
export const BUILD = {
  version: typeof BUILD_VERSION === 'undefined' ? 'unbuilt' : BUILD_VERSION,
  commit: typeof BUILD_COMMIT === 'undefined' ? null : BUILD_COMMIT || null,
}

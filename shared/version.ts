/** Set by the build. */
declare const BUILD_VERSION: string | undefined
declare const BUILD_COMMIT: string | undefined

/** The running version: from package.json, with the commit of the build. */
export const BUILD = {
  version: typeof BUILD_VERSION === 'undefined' ? 'unbuilt' : BUILD_VERSION,
  commit: typeof BUILD_COMMIT === 'undefined' ? null : BUILD_COMMIT || null,
}

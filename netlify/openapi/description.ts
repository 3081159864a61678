/** The document as it is served; a separate file in the bundles, since it is larger than the function that serves it. */
export { default as description } from './openapi.json' with { type: 'json' }

/** The description as it is served; in the bundles a file of its own, since it is larger than what answers with it. */
export { default as description } from './openapi.json' with { type: 'json' }

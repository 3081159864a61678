/** By redirect (OAuth 2.0 Multiple Response Types section 2.1), or as a form that the browser posts (OAuth 2.0 Form Post Response Mode). */
export type ResponseMode = 'query' | 'fragment' | 'form_post'

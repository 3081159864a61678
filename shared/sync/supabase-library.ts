// Named, so that the bundle of a CommonJS package exports them. Only code that calls Supabase Auth loads this.
export { AuthApiError, AuthClient, AuthRetryableFetchError, isAuthError } from '@supabase/supabase-js'

// By name, so that the bundle of a CommonJS package exports them: only what asks Supabase Auth loads it.
export { AuthApiError, AuthClient, AuthRetryableFetchError, isAuthError } from '@supabase/supabase-js'

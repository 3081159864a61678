-- Runs after all files that create tables or functions; every migration added later ends with the same two calls. test/roles.test.ts checks
-- the outcome.
select auth_gateway.close_to_public();
select auth_gateway.open_to_application();

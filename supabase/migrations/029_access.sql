-- Runs after every file that makes tables or functions, as does the end of every migration that is added later; test/roles.test.ts looks
-- at the outcome.
select auth_gateway.close_to_public();
select auth_gateway.open_to_application();

/**
 * SQL for a Supabase project: a restrictive policy on every table of `public` that has row level security, so that people who come with
 * tokens for another audience see no row, whatever other policies say. Users of Supabase Auth itself have the audience `authenticated`.
 * It can be run again, and must be after a new table.
 */
export function audiencePolicy(identifier: string): string {
  const literal = `'${identifier.replaceAll("'", "''")}'`
  return `do $audience$
declare t record;
begin
  for t in
    select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relrowsecurity
  loop
    execute format('drop policy if exists own_audience on %I.%I', t.nspname, t.relname);
    execute format('create policy own_audience on %I.%I as restrictive for all to authenticated '
      'using ((select auth.jwt()->>''aud'') in (%L, ''authenticated''))', t.nspname, t.relname, ${literal});
  end loop;
end $audience$;`
}

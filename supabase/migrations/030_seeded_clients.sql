-- Existing applications, with the client ids they send. No secret is seeded: a confidential client authenticates after
-- `npm run clients -- rotate-secret <client_id>`. First-party applications use one token for the memory API and the account.
-- L<port>/<path> means the two loopback spellings; the port is free at request time (RFC 8252 section 7.3).
with seed(n, client_id, kind, name, first_party, redirects, scope, default_scope) as (values
  (1, 'partner-sandbox', 'spa', 'Partner Sandbox', false, 'L3000/callback', 'memories:read', 'memories:read'),
  (2, 'onasis-cli', 'cli', 'Onasis CLI', true, 'L8888/callback L3000/callback',
    'memories:read memories:write memories:delete profile read write offline_access', 'read write offline_access'),
  (3, 'lanonasis-cli', 'cli', 'LanOnasis CLI', true, 'L8888/callback L3000/callback',
    'memories:read memories:write memories:delete profile read write offline_access', 'read write offline_access'),
  (4, 'dashboard-web', 'web', 'LanOnasis Dashboard', true,
    'https://dashboard.lanonasis.com/auth/callback https://dashboard.lanonasis.com/oauth/callback L5000/auth/callback',
    'memories:read profile', 'memories:read profile'),
  (5, 'mcp-client', 'native', 'MCP Client', false, 'L3000/callback L8080/callback',
    'mcp:full mcp:tools mcp:resources mcp:prompts memories:read memories:write profile', 'mcp:full memories:read'),
  (6, 'vscode-extension', 'native', 'LanOnasis for VS Code', true, 'L8080/callback vscode://lanonasis.mcp-client/callback',
    'memories:read memories:write memories:delete profile', 'memories:read'),
  (7, 'cursor-extension', 'native', 'LanOnasis for Cursor', true, 'L8080/callback vscode://lanonasis.mcp-client/callback',
    'memories:read memories:write memories:delete profile', 'memories:read'),
  (8, 'windsurf-extension', 'native', 'LanOnasis for Windsurf', true, 'L8080/callback vscode://lanonasis.mcp-client/callback',
    'memories:read memories:write memories:delete profile', 'memories:read'),
  (9, 'claude-web', 'spa', 'Claude', false,
    'https://claude.ai/mcp/callback https://app.claude.ai/mcp/callback https://claude.anthropic.com/mcp/callback',
    'mcp:full mcp:tools mcp:resources mcp:prompts memories:read memories:write memories:delete api-keys:read profile',
    'mcp:full memories:read'),
  (10, 'claude-desktop', 'native', 'Claude Desktop', false, 'L3000/mcp/callback L52813/oauth/callback claude-desktop://oauth/callback',
    'mcp:full mcp:tools mcp:resources mcp:prompts memories:read memories:write memories:delete api-keys:read api-keys:write profile',
    'mcp:full memories:read memories:write'),
  (11, 'auth-tester', 'spa', 'Auth Tester', true, 'L4000/auth-tester L4000/',
    'openid profile email memories:read memories:write mcp:connect api:access', 'openid profile email'),
  (12, 'lzero-memory-vscode', 'native', 'L-Zero Memory for VS Code', true, 'vscode://lanonasis.lzero-memory/callback',
    'memory:read memory:write memories:read memories:write api_keys:manage', 'memory:read'),
  (13, 'maple-movement-hub', 'spa', 'Maple Movement Hub', true,
    'https://maplehub.lanonasis.com/auth/callback https://maple.lanonasis.com/auth/callback L5173/auth/callback http://localhost:4173/auth/callback',
    'memories:read memories:write profile email maple:read maple:write', 'memories:read profile maple:read'),
  (14, 'lanonasis-mcp-cli', 'cli', 'LanOnasis MCP CLI', true, 'L8888/callback https://dashboard.lanonasis.com/auth/callback',
    'memories:read memories:write memories:delete profile mcp:connect mcp:read mcp:write api:access offline_access',
    'memories:read memories:write memories:delete profile'),
  (15, 'lanonasis-mcp-desktop', 'native', 'LanOnasis Desktop', true, 'lanonasis://oauth/callback L8888/callback',
    'memories:read memories:write memories:delete profile mcp:connect api:access',
    'memories:read memories:write memories:delete profile'),
  (16, 'lanonasis-repl-cli', 'cli', 'LanOnasis REPL', true, 'L8899/callback',
    'memories:read memories:write mcp:connect api:access', 'memories:read memories:write mcp:connect api:access'),
  (17, 'lanonasis_mcp_client_2024', 'spa', 'LanOnasis MCP Server', true,
    'https://dashboard.lanonasis.com/auth/oauth/callback https://api.lanonasis.com/auth/oauth/callback',
    'memory:read memory:write api:access mcp:connect', 'memory:read memory:write api:access mcp:connect'),
  (18, 'lanonasis-api-dashboard', 'spa', 'LanOnasis API Dashboard', true, 'https://dashboard.lanonasis.com/auth/callback',
    'memories:read memories:write memories:delete profile api:access', 'memories:read profile'),
  (19, 'api-key-client', 'spa', 'LanOnasis API Keys', true, 'https://dashboard.lanonasis.com/auth/callback',
    'memories:read profile api:access', 'profile api:access'),
  (20, 'windsurf-ide-extension', 'native', 'LanOnasis for Windsurf', true, 'L8080/callback vscode://lanonasis.mcp-client/callback',
    'memories:read memories:write memories:delete profile', 'memories:read'),
  (21, 'vscode-extension-pkce', 'native', 'LanOnasis for VS Code', true, 'L8080/callback vscode://lanonasis.mcp-client/callback',
    'memories:read memories:write memories:delete profile', 'memories:read'),
  (22, 'lanonasis-mcp-mobile', 'native', 'LanOnasis Mobile', true, 'lanonasis://oauth/callback',
    'memories:read memories:write profile mcp:read mcp:write mcp:connect', 'memories:read profile'),
  (23, 'lanonasis-mcp-vscode', 'native', 'LanOnasis for VS Code', true, 'L8080/callback vscode://lanonasis.mcp-client/callback',
    'memories:read memories:write memories:delete profile mcp:read mcp:write mcp:connect', 'memories:read'),
  (24, 'lanonasis-mcp-cursor', 'native', 'LanOnasis for Cursor', true, 'L8080/callback vscode://lanonasis.mcp-client/callback',
    'memories:read memories:write memories:delete profile mcp:read mcp:write mcp:connect', 'memories:read'),
  (25, 'lanonasis-mcp-windsurf', 'native', 'LanOnasis for Windsurf', true, 'L8080/callback vscode://lanonasis.mcp-client/callback',
    'memories:read memories:write memories:delete profile mcp:read mcp:write mcp:connect', 'memories:read'),
  (26, 'dashboard', 'spa', 'LanOnasis Dashboard', true, 'https://dashboard.lanonasis.com/auth/callback',
    'memories:read memories:write memories:delete profile api:access', 'memories:read profile')
), registered as (
  select s.n, jsonb_build_object(
    'clientId', s.client_id, 'firstParty', s.first_party, 'origin', 'seed',
    'accountAccess', case when s.first_party then 'everyday' else 'none' end,
    'metadata', jsonb_build_object(
      'client_name', s.name,
      'application_type', case when s.kind in ('cli', 'native') then 'native' else 'web' end,
      'token_endpoint_auth_method', case when s.kind = 'web' then 'client_secret_basic' else 'none' end,
      'grant_types', '["authorization_code", "refresh_token"]'::jsonb || case when s.kind = 'cli' or s.client_id = 'lanonasis_mcp_client_2024'
        then '["urn:ietf:params:oauth:grant-type:device_code"]'::jsonb else '[]'::jsonb end,
      'response_types', '["code"]'::jsonb,
      'redirect_uris', (
        select jsonb_agg(u order by r.ordinality, u) from unnest(string_to_array(s.redirects, ' ')) with ordinality as r(uri, ordinality)
        cross join lateral unnest(case when r.uri like 'L%' then array[
          regexp_replace(r.uri, '^L', 'http://127.0.0.1:'), regexp_replace(r.uri, '^L', 'http://localhost:')] else array[r.uri] end) as u),
      'scope', s.scope, 'default_scope', s.default_scope)
      || case when s.kind = 'cli' then '{"access_token_seconds": 86400}'::jsonb else '{}'::jsonb end
  ) as data
  from seed s
)
select auth_gateway.append_events(jsonb_agg(jsonb_build_object(
  'stream_type', 'api_client', 'expected_version', 0,
  'stream_id', '0195d000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'),
  'events', jsonb_build_array(jsonb_build_object(
    'event_id', '0195d000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'),
    'event_type', 'ClientRegistered', 'schema_version', 1, 'data', data,
    'metadata', '{"actorType": "system", "actor": "migration"}'::jsonb))) order by n))
from registered;

-- Resource servers (RFC 8707): the API is the default.
select auth_gateway.append_events(jsonb_agg(jsonb_build_object(
  'stream_type', 'protected_resource', 'expected_version', 0, 'stream_id', r.id,
  'events', jsonb_build_array(jsonb_build_object(
    'event_id', r.event_id, 'event_type', 'ProtectedResourceRegistered', 'schema_version', 1,
    'data', jsonb_build_object('identifier', r.identifier, 'name', r.name, 'scopes', to_jsonb(string_to_array(r.scopes, ' ')),
      'isDefault', r.is_default),
    'metadata', '{"actorType": "system", "actor": "migration"}'::jsonb)))))
from (values
  ('0195d000-0000-7000-8000-000000001001', '0195d000-0000-7000-9000-000000001001', 'https://api.lanonasis.com', 'LanOnasis API',
    'memories:read', true),
  ('0195d000-0000-7000-8000-000000001002', '0195d000-0000-7000-9000-000000001002', 'https://mcp.lanonasis.com/mcp', 'LanOnasis MCP',
    'mcp:connect memories:read', false)
) as r(id, event_id, identifier, name, scopes, is_default);

grant usage on schema auth_gateway to auth_gateway_app;

create sequence auth_gateway.event_position;

create table auth_gateway.access_token_revocations (
  jti text not null,
  family_id uuid not null,
  expires_at timestamp with time zone not null,
  constraint access_token_revocations_pkey PRIMARY KEY (jti)
);
alter table auth_gateway.access_token_revocations enable row level security;
create policy application_reads on auth_gateway.access_token_revocations for r to auth_gateway_app using (true);
grant select on table auth_gateway.access_token_revocations to auth_gateway_app;

create table auth_gateway.agent_delegations (
  id uuid not null,
  uai uuid not null,
  client_id uuid not null,
  scopes text[] not null,
  resources text[] not null,
  expires_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  end_reason text,
  version integer not null,
  constraint agent_delegations_pkey PRIMARY KEY (id)
);
CREATE INDEX agent_delegations_uai ON auth_gateway.agent_delegations USING btree (uai, created_at DESC);
alter table auth_gateway.agent_delegations enable row level security;
create policy application_reads on auth_gateway.agent_delegations for r to auth_gateway_app using (true);
grant select on table auth_gateway.agent_delegations to auth_gateway_app;

create table auth_gateway.api_clients (
  id uuid not null,
  client_id text not null,
  status text not null,
  first_party boolean not null,
  account_access text not null,
  origin text not null,
  metadata jsonb not null,
  secrets jsonb not null default '[]'::jsonb,
  registration_token_hash text,
  sharing_key text,
  created_at timestamp with time zone not null,
  identity_changed_at timestamp with time zone not null,
  version integer not null,
  constraint api_clients_account_access_check CHECK ((account_access = ANY (ARRAY['none'::text, 'everyday'::text]))),
  constraint api_clients_origin_check CHECK ((origin = ANY (ARRAY['seed'::text, 'operator'::text, 'dynamic'::text, 'document'::text]))),
  constraint api_clients_pkey PRIMARY KEY (id),
  constraint api_clients_sharing_key_key UNIQUE (sharing_key),
  constraint api_clients_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text, 'deleted'::text])))
);
CREATE UNIQUE INDEX api_clients_client_id ON auth_gateway.api_clients USING btree (auth_gateway.client_key(client_id));
CREATE INDEX api_clients_registered ON auth_gateway.api_clients USING btree (created_at) WHERE ((origin = 'dynamic'::text) AND (status = 'active'::text));
alter table auth_gateway.api_clients enable row level security;
create policy application_reads on auth_gateway.api_clients for r to auth_gateway_app using (true);
grant select on table auth_gateway.api_clients to auth_gateway_app;

create table auth_gateway.api_key_activity (
  key_id uuid not null,
  last_used_at timestamp with time zone,
  limited_uses integer not null default 0,
  constraint api_key_activity_pkey PRIMARY KEY (key_id)
);
alter table auth_gateway.api_key_activity enable row level security;
create policy application_reads on auth_gateway.api_key_activity for r to auth_gateway_app using (true);
grant select on table auth_gateway.api_key_activity to auth_gateway_app;

create table auth_gateway.api_key_secrets (
  hash text not null,
  key_id uuid not null,
  expires_at timestamp with time zone,
  constraint api_key_secrets_pkey PRIMARY KEY (hash)
);
CREATE INDEX api_key_secrets_key ON auth_gateway.api_key_secrets USING btree (key_id);
alter table auth_gateway.api_key_secrets enable row level security;
create policy application_reads on auth_gateway.api_key_secrets for r to auth_gateway_app using (true);
grant select on table auth_gateway.api_key_secrets to auth_gateway_app;

create table auth_gateway.api_key_usage (
  key_id uuid not null,
  day date not null,
  uses integer not null,
  constraint api_key_usage_pkey PRIMARY KEY (key_id, day)
);
alter table auth_gateway.api_key_usage enable row level security;
create policy application_reads on auth_gateway.api_key_usage for r to auth_gateway_app using (true);
grant select on table auth_gateway.api_key_usage to auth_gateway_app;

create table auth_gateway.api_keys (
  id uuid not null,
  owner_type text not null,
  owner_id uuid not null,
  organization_id uuid not null,
  created_by uuid not null,
  origin text not null,
  parent_id uuid,
  ancestors uuid[] not null default '{}'::uuid[],
  application uuid,
  status text not null,
  name text,
  description text,
  name_digest bytea,
  preview text not null,
  scopes text[] not null,
  access_level text not null,
  key_context text,
  service text not null,
  service_scopes jsonb not null,
  binding jsonb,
  limits jsonb,
  networks inet[],
  consumer text,
  expires_at timestamp with time zone,
  rotations integer not null default 0,
  rotated_at timestamp with time zone,
  notice_event uuid,
  notice_kind text,
  warned_of timestamp with time zone,
  created_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  end_reason text,
  version integer not null,
  constraint api_keys_origin_check CHECK ((origin = ANY (ARRAY['owner'::text, 'import'::text]))),
  constraint api_keys_owner_type_check CHECK ((owner_type = ANY (ARRAY['person'::text, 'organization'::text]))),
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_service_check CHECK ((service = ANY (ARRAY['all'::text, 'specific'::text]))),
  constraint api_keys_status_check CHECK ((status = ANY (ARRAY['active'::text, 'quarantined'::text, 'revoked'::text, 'deleted'::text])))
);
CREATE INDEX api_keys_created_by ON auth_gateway.api_keys USING btree (created_by);
CREATE INDEX api_keys_expiry ON auth_gateway.api_keys USING btree (expires_at) WHERE ((status = 'active'::text) AND (expires_at IS NOT NULL));
CREATE INDEX api_keys_imported ON auth_gateway.api_keys USING btree (id) WHERE ((origin = 'import'::text) AND (status = 'active'::text));
CREATE UNIQUE INDEX api_keys_name ON auth_gateway.api_keys USING btree (owner_id, name_digest) WHERE (status = ANY (ARRAY['active'::text, 'quarantined'::text]));
CREATE INDEX api_keys_notice ON auth_gateway.api_keys USING btree (id) WHERE (notice_event IS NOT NULL);
CREATE INDEX api_keys_owner ON auth_gateway.api_keys USING btree (owner_id, created_at) WHERE (status <> 'deleted'::text);
alter table auth_gateway.api_keys enable row level security;
create policy application_reads on auth_gateway.api_keys for r to auth_gateway_app using (true);
grant select on table auth_gateway.api_keys to auth_gateway_app;

create table auth_gateway.archived_leaves (
  tile bigint not null,
  archive_id uuid not null,
  bits bit(256) not null,
  constraint archived_leaves_pkey PRIMARY KEY (tile, archive_id)
);
alter table auth_gateway.archived_leaves enable row level security;
create policy application_reads on auth_gateway.archived_leaves for r to auth_gateway_app using (true);
grant select on table auth_gateway.archived_leaves to auth_gateway_app;

create table auth_gateway.archived_uses (
  id uuid not null,
  last_used_at timestamp with time zone not null,
  constraint archived_uses_pkey PRIMARY KEY (id)
);
alter table auth_gateway.archived_uses enable row level security;
create policy application_reads on auth_gateway.archived_uses for r to auth_gateway_app using (true);
grant select on table auth_gateway.archived_uses to auth_gateway_app;

create table auth_gateway.archives (
  id uuid not null,
  month date not null,
  events integer not null,
  streams integer not null,
  ended_by timestamp with time zone not null,
  file text not null,
  sha256 text not null,
  positions_sha256 text not null,
  archived_at timestamp with time zone not null,
  version integer not null,
  constraint archives_month_key UNIQUE (month),
  constraint archives_pkey PRIMARY KEY (id)
);
alter table auth_gateway.archives enable row level security;
create policy application_reads on auth_gateway.archives for r to auth_gateway_app using (true);
grant select on table auth_gateway.archives to auth_gateway_app;

create table auth_gateway.audit_checkpoints (
  size bigint not null,
  root bytea not null,
  position bigint not null,
  note text not null,
  made_at timestamp with time zone not null default now(),
  published_at timestamp with time zone,
  constraint audit_checkpoints_pkey PRIMARY KEY (size)
);
CREATE INDEX audit_checkpoints_unpublished ON auth_gateway.audit_checkpoints USING btree (size) WHERE (published_at IS NULL);
alter table auth_gateway.audit_checkpoints enable row level security;
create policy application_reads on auth_gateway.audit_checkpoints for r to auth_gateway_app using (true);
grant select on table auth_gateway.audit_checkpoints to auth_gateway_app;

create table auth_gateway.audit_log (
  id uuid not null,
  origin text not null,
  begun_at timestamp with time zone not null,
  version integer not null,
  constraint audit_log_pkey PRIMARY KEY (id)
);
alter table auth_gateway.audit_log enable row level security;
create policy application_reads on auth_gateway.audit_log for r to auth_gateway_app using (true);
grant select on table auth_gateway.audit_log to auth_gateway_app;

create table auth_gateway.audit_tiles (
  level smallint not null,
  index bigint not null,
  hashes bytea not null,
  positions bigint[],
  first_position bigint,
  constraint audit_tiles_pkey PRIMARY KEY (level, index)
);
CREATE UNIQUE INDEX audit_tiles_position ON auth_gateway.audit_tiles USING btree (first_position) WHERE (level = 0);
alter table auth_gateway.audit_tiles enable row level security;
create policy application_reads on auth_gateway.audit_tiles for r to auth_gateway_app using (true);
grant select on table auth_gateway.audit_tiles to auth_gateway_app;

create table auth_gateway.audit_tree (
  one boolean not null default true,
  size bigint not null,
  position bigint not null,
  constraint audit_tree_one_check CHECK (one),
  constraint audit_tree_pkey PRIMARY KEY (one)
);
alter table auth_gateway.audit_tree enable row level security;
create policy application_reads on auth_gateway.audit_tree for r to auth_gateway_app using (true);
grant select on table auth_gateway.audit_tree to auth_gateway_app;

create table auth_gateway.authorizations (
  id uuid not null,
  client_id uuid not null,
  uai uuid not null,
  session_id uuid not null,
  paste_hash text,
  constraint authorizations_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX authorizations_paste_hash ON auth_gateway.authorizations USING btree (paste_hash) WHERE (paste_hash IS NOT NULL);
alter table auth_gateway.authorizations enable row level security;
create policy application_reads on auth_gateway.authorizations for r to auth_gateway_app using (true);
grant select on table auth_gateway.authorizations to auth_gateway_app;

create table auth_gateway.client_documents (
  client_id uuid not null,
  fetched_at timestamp with time zone not null,
  fresh_until timestamp with time zone not null,
  constraint client_documents_pkey PRIMARY KEY (client_id)
);
alter table auth_gateway.client_documents enable row level security;
create policy application_reads on auth_gateway.client_documents for r to auth_gateway_app using (true);
grant select on table auth_gateway.client_documents to auth_gateway_app;

create table auth_gateway.connections (
  id uuid not null,
  slug text not null,
  status text not null,
  settings jsonb not null,
  secret_event uuid,
  keys jsonb not null default '[]'::jsonb,
  added_at timestamp with time zone not null,
  version integer not null,
  constraint connections_pkey PRIMARY KEY (id),
  constraint connections_status_check CHECK ((status = ANY (ARRAY['enabled'::text, 'disabled'::text, 'removed'::text])))
);
CREATE UNIQUE INDEX connections_slug ON auth_gateway.connections USING btree (lower(slug)) WHERE (status <> 'removed'::text);
alter table auth_gateway.connections enable row level security;
create policy application_reads on auth_gateway.connections for r to auth_gateway_app using (true);
grant select on table auth_gateway.connections to auth_gateway_app;

create table auth_gateway.consents (
  id uuid not null,
  uai uuid not null,
  client_id uuid not null,
  scopes text[] not null,
  resources text[] not null,
  granted_at timestamp with time zone not null,
  withdrawn_at timestamp with time zone,
  version integer not null,
  constraint consents_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX consents_uai_client ON auth_gateway.consents USING btree (uai, client_id);
alter table auth_gateway.consents enable row level security;
create policy application_reads on auth_gateway.consents for r to auth_gateway_app using (true);
grant select on table auth_gateway.consents to auth_gateway_app;

create table auth_gateway.credentials (
  id uuid not null,
  uai uuid not null,
  kind text not null,
  provider text,
  digest bytea,
  address text,
  verified boolean not null,
  evidence jsonb not null,
  linked_at timestamp with time zone not null,
  constraint credentials_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX credentials_digest ON auth_gateway.credentials USING btree (kind, digest);
CREATE INDEX credentials_uai ON auth_gateway.credentials USING btree (uai);
alter table auth_gateway.credentials enable row level security;
create policy application_reads on auth_gateway.credentials for r to auth_gateway_app using (true);
grant select on table auth_gateway.credentials to auth_gateway_app;

create table auth_gateway.device_authorizations (
  id uuid not null,
  client_id uuid not null,
  user_code_hash text not null,
  status text not null,
  scope text[] not null,
  resources text[] not null,
  session_id uuid,
  uai uuid,
  origin text,
  requested_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  version integer not null,
  constraint device_authorizations_pkey PRIMARY KEY (id),
  constraint device_authorizations_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'approved'::text, 'denied'::text, 'redeemed'::text])))
);
CREATE UNIQUE INDEX device_authorizations_user_code ON auth_gateway.device_authorizations USING btree (user_code_hash) WHERE (status = 'pending'::text);
alter table auth_gateway.device_authorizations enable row level security;
create policy application_reads on auth_gateway.device_authorizations for r to auth_gateway_app using (true);
grant select on table auth_gateway.device_authorizations to auth_gateway_app;

create table auth_gateway.event_secrets (
  event_id uuid not null,
  name text not null,
  stream_id uuid not null,
  sealed bytea not null,
  expires_at timestamp with time zone,
  batch integer,
  leaf integer,
  salt bytea,
  constraint event_secrets_pkey PRIMARY KEY (event_id, name)
);
CREATE INDEX event_secrets_authenticators ON auth_gateway.event_secrets USING btree (event_id) WHERE (name = 'totp_secret'::text);
CREATE INDEX event_secrets_connection_keys ON auth_gateway.event_secrets USING btree (event_id) WHERE (name = 'private_key'::text);
CREATE INDEX event_secrets_expiry ON auth_gateway.event_secrets USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX event_secrets_stream ON auth_gateway.event_secrets USING btree (stream_id, name);
CREATE INDEX event_secrets_values ON auth_gateway.event_secrets USING btree (event_id) WHERE (name = 'stored_value'::text);
CREATE TRIGGER refuse_replaced_key BEFORE INSERT ON auth_gateway.event_secrets FOR EACH ROW EXECUTE FUNCTION auth_gateway.refuse_replaced_key();
alter table auth_gateway.event_secrets enable row level security;
create policy application_reads on auth_gateway.event_secrets for r to auth_gateway_app using (true);
grant select on table auth_gateway.event_secrets to auth_gateway_app;

create table auth_gateway.event_store (
  position bigint not null,
  event_id uuid not null,
  stream_type text not null,
  stream_id uuid not null,
  version integer not null,
  event_type text not null,
  schema_version smallint not null,
  subject uuid,
  data jsonb not null,
  metadata jsonb not null,
  transaction_id xid8 not null,
  recorded_at timestamp with time zone not null,
  previous_hash bytea not null,
  hash bytea not null,
  constraint event_store_pkey PRIMARY KEY (stream_type, stream_id, version),
  constraint event_store_version_check CHECK ((version > 0))
) partition by LIST (stream_type);
CREATE INDEX event_store_client ON ONLY auth_gateway.event_store USING btree (((metadata ->> 'clientId'::text)), "position");
CREATE INDEX event_store_event_id ON ONLY auth_gateway.event_store USING btree (event_id);
CREATE INDEX event_store_position ON ONLY auth_gateway.event_store USING btree ("position");
CREATE INDEX event_store_request ON ONLY auth_gateway.event_store USING btree (((metadata ->> 'requestId'::text)), "position");
CREATE INDEX event_store_session ON ONLY auth_gateway.event_store USING btree (((metadata ->> 'sessionId'::text)), "position");
CREATE INDEX event_store_subject ON ONLY auth_gateway.event_store USING btree (subject, "position") WHERE (subject IS NOT NULL);
CREATE INDEX event_store_type ON ONLY auth_gateway.event_store USING btree (event_type, "position");
CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON auth_gateway.event_store FOR EACH ROW EXECUTE FUNCTION auth_gateway.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON auth_gateway.event_store FOR EACH STATEMENT EXECUTE FUNCTION auth_gateway.refuse_change();
CREATE TRIGGER project_event AFTER INSERT ON auth_gateway.event_store FOR EACH ROW EXECUTE FUNCTION auth_gateway.project_event();
alter table auth_gateway.event_store enable row level security;
create policy application_reads on auth_gateway.event_store for r to auth_gateway_app using (true);
grant select on table auth_gateway.event_store to auth_gateway_app;

create table auth_gateway.event_store_lasting partition of auth_gateway.event_store FOR VALUES IN ('identity', 'organization', 'api_client', 'consent', 'protected_resource', 'signing_key', 'api_key', 'project', 'stored_key', 'agent_delegation', 'connection', 'hook', 'webhook', 'totp_authenticator', 'passkey', 'recovery_codes', 'operator_code', 'remembered_device', 'sign_in_place', 'suppression', 'sms_breaker', 'archive', 'audit_log', 'key_ring');
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON auth_gateway.event_store_lasting FOR EACH STATEMENT EXECUTE FUNCTION auth_gateway.refuse_change();
alter table auth_gateway.event_store_lasting enable row level security;
create policy application_reads on auth_gateway.event_store_lasting for r to auth_gateway_app using (true);

create table auth_gateway.event_store_short_lived partition of auth_gateway.event_store FOR VALUES IN ('session', 'otp_challenge', 'authorization', 'token_family', 'refused_request', 'record_read', 'device_authorization', 'hook_call', 'message', 'pending_sign_in') partition by RANGE (stream_id);
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON auth_gateway.event_store_short_lived FOR EACH STATEMENT EXECUTE FUNCTION auth_gateway.refuse_change();
alter table auth_gateway.event_store_short_lived enable row level security;
create policy application_reads on auth_gateway.event_store_short_lived for r to auth_gateway_app using (true);

create table auth_gateway.event_store_short_lived_default partition of auth_gateway.event_store_short_lived DEFAULT;
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON auth_gateway.event_store_short_lived_default FOR EACH STATEMENT EXECUTE FUNCTION auth_gateway.refuse_change();
alter table auth_gateway.event_store_short_lived_default enable row level security;
create policy application_reads on auth_gateway.event_store_short_lived_default for r to auth_gateway_app using (true);

create table auth_gateway.form_states (
  key bytea not null,
  sealed bytea,
  expires_at timestamp with time zone not null,
  constraint form_states_pkey PRIMARY KEY (key)
);
CREATE INDEX form_states_expiry ON auth_gateway.form_states USING btree (expires_at);
alter table auth_gateway.form_states enable row level security;
create policy application_reads on auth_gateway.form_states for r to auth_gateway_app using (true);
grant select on table auth_gateway.form_states to auth_gateway_app;

create table auth_gateway.heartbeat (
  one boolean not null default true,
  beaten_at timestamp with time zone not null,
  constraint heartbeat_one_check CHECK (one),
  constraint heartbeat_pkey PRIMARY KEY (one)
);
alter table auth_gateway.heartbeat enable row level security;
create policy application_reads on auth_gateway.heartbeat for r to auth_gateway_app using (true);
grant select on table auth_gateway.heartbeat to auth_gateway_app;

create table auth_gateway.hook_calls (
  id uuid not null,
  hook_id uuid not null,
  point text not null,
  outcome text not null,
  decision text,
  claims text[],
  failure text,
  milliseconds integer not null,
  uai uuid,
  called_at timestamp with time zone not null,
  constraint hook_calls_pkey PRIMARY KEY (id)
);
CREATE INDEX hook_calls_hook ON auth_gateway.hook_calls USING btree (hook_id, called_at DESC);
alter table auth_gateway.hook_calls enable row level security;
create policy application_reads on auth_gateway.hook_calls for r to auth_gateway_app using (true);
grant select on table auth_gateway.hook_calls to auth_gateway_app;

create table auth_gateway.hooks (
  id uuid not null,
  settings jsonb not null,
  secret_event uuid not null,
  added_at timestamp with time zone not null,
  version integer not null,
  constraint hooks_pkey PRIMARY KEY (id)
);
alter table auth_gateway.hooks enable row level security;
create policy application_reads on auth_gateway.hooks for r to auth_gateway_app using (true);
grant select on table auth_gateway.hooks to auth_gateway_app;

create table auth_gateway.identities (
  uai uuid not null,
  status text not null,
  role text not null,
  plan text not null,
  organization_id uuid not null,
  locale text,
  name text,
  emails jsonb not null default '[]'::jsonb,
  email text,
  email_verified boolean not null default false,
  merged_into uuid,
  canonical_uai uuid not null,
  members uuid[] not null,
  organizations uuid[] not null,
  standing integer not null default 1,
  passkey_offer_declined boolean not null default false,
  created_at timestamp with time zone not null,
  version integer not null,
  constraint identities_pkey PRIMARY KEY (uai),
  constraint identities_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text, 'erased'::text])))
);
CREATE INDEX identities_merged_into ON auth_gateway.identities USING btree (merged_into) WHERE (merged_into IS NOT NULL);
CREATE INDEX identities_organization ON auth_gateway.identities USING btree (organization_id);
alter table auth_gateway.identities enable row level security;
create policy application_reads on auth_gateway.identities for r to auth_gateway_app using (true);
grant select on table auth_gateway.identities to auth_gateway_app;

create table auth_gateway.key_ring (
  id uuid not null,
  purpose text not null,
  epoch integer not null,
  sealed bytea not null,
  active_from timestamp with time zone not null,
  constraint key_ring_epoch_check CHECK ((epoch > 0)),
  constraint key_ring_pkey PRIMARY KEY (id),
  constraint key_ring_purpose_epoch_key UNIQUE (purpose, epoch)
);
alter table auth_gateway.key_ring enable row level security;
create policy application_reads on auth_gateway.key_ring for r to auth_gateway_app using (true);
grant select on table auth_gateway.key_ring to auth_gateway_app;

create table auth_gateway.key_root (
  one boolean not null default true,
  version integer not null default 1,
  root text not null,
  wrapped bytea not null,
  made_at timestamp with time zone not null default now(),
  constraint key_root_one_check CHECK (one),
  constraint key_root_pkey PRIMARY KEY (one)
);
alter table auth_gateway.key_root enable row level security;
create policy application_reads on auth_gateway.key_root for r to auth_gateway_app using (true);
grant select on table auth_gateway.key_root to auth_gateway_app;

create table auth_gateway.log_horizon (
  one boolean not null default true,
  position bigint not null,
  seen_position bigint not null,
  transaction_id xid8 not null,
  constraint log_horizon_one_check CHECK (one),
  constraint log_horizon_pkey PRIMARY KEY (one)
);
alter table auth_gateway.log_horizon enable row level security;
create policy application_reads on auth_gateway.log_horizon for r to auth_gateway_app using (true);
grant select on table auth_gateway.log_horizon to auth_gateway_app;

create table auth_gateway.lookup_digests (
  event_id uuid not null,
  stream_type text not null,
  stream_id uuid not null,
  subject uuid not null,
  kind text not null,
  salt bytea not null,
  digest bytea not null,
  constraint lookup_digests_pkey PRIMARY KEY (event_id, kind)
);
CREATE INDEX lookup_digests_digest ON auth_gateway.lookup_digests USING btree (kind, digest, stream_id DESC);
CREATE INDEX lookup_digests_subject ON auth_gateway.lookup_digests USING btree (subject);
alter table auth_gateway.lookup_digests enable row level security;
create policy application_reads on auth_gateway.lookup_digests for r to auth_gateway_app using (true);
grant select on table auth_gateway.lookup_digests to auth_gateway_app;

create table auth_gateway.messages (
  id uuid not null,
  channel text not null,
  template text not null,
  uai uuid,
  status text not null,
  provider text,
  provider_id text,
  reason text,
  attempts integer not null default 0,
  retryable boolean not null default false,
  queued_at timestamp with time zone not null,
  settled_at timestamp with time zone,
  version integer not null,
  constraint messages_pkey PRIMARY KEY (id),
  constraint messages_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'accepted'::text, 'failed'::text, 'unconfirmed'::text, 'delayed'::text, 'delivered'::text, 'bounced'::text, 'complained'::text])))
);
CREATE INDEX messages_queued_at ON auth_gateway.messages USING btree (queued_at);
alter table auth_gateway.messages enable row level security;
create policy application_reads on auth_gateway.messages for r to auth_gateway_app using (true);
grant select on table auth_gateway.messages to auth_gateway_app;

create table auth_gateway.migrations (
  version text not null,
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (version)
);
alter table auth_gateway.migrations enable row level security;
create policy application_reads on auth_gateway.migrations for r to auth_gateway_app using (true);
grant select on table auth_gateway.migrations to auth_gateway_app;

create table auth_gateway.operator_codes (
  id uuid not null,
  uai uuid not null,
  status text not null,
  operator uuid not null,
  second_operator uuid,
  standing integer not null,
  reason text,
  part_hashes text[] not null,
  attempts integer not null default 0,
  requested_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  version integer not null,
  constraint operator_codes_pkey PRIMARY KEY (id),
  constraint operator_codes_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'ready'::text, 'used'::text, 'revoked'::text, 'locked'::text])))
);
CREATE INDEX operator_codes_open ON auth_gateway.operator_codes USING btree (expires_at) WHERE (status = ANY (ARRAY['waiting'::text, 'ready'::text]));
CREATE INDEX operator_codes_uai ON auth_gateway.operator_codes USING btree (uai, requested_at DESC);
alter table auth_gateway.operator_codes enable row level security;
create policy application_reads on auth_gateway.operator_codes for r to auth_gateway_app using (true);
grant select on table auth_gateway.operator_codes to auth_gateway_app;

create table auth_gateway.organizations (
  id uuid not null,
  kind text not null,
  owner uuid not null,
  created_at timestamp with time zone not null,
  version integer not null,
  constraint organizations_kind_check CHECK ((kind = ANY (ARRAY['personal'::text, 'team'::text]))),
  constraint organizations_pkey PRIMARY KEY (id)
);
alter table auth_gateway.organizations enable row level security;
create policy application_reads on auth_gateway.organizations for r to auth_gateway_app using (true);
grant select on table auth_gateway.organizations to auth_gateway_app;

create table auth_gateway.otp_challenges (
  id uuid not null,
  channel text not null,
  country text,
  status text not null,
  attempts integer not null default 0,
  reason text,
  issued_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  version integer not null,
  constraint otp_challenges_pkey PRIMARY KEY (id),
  constraint otp_challenges_status_check CHECK ((status = ANY (ARRAY['open'::text, 'consumed'::text, 'locked'::text, 'replaced'::text, 'undelivered'::text])))
);
CREATE INDEX otp_challenges_sms ON auth_gateway.otp_challenges USING btree (country, issued_at) WHERE (channel = 'sms'::text);
alter table auth_gateway.otp_challenges enable row level security;
create policy application_reads on auth_gateway.otp_challenges for r to auth_gateway_app using (true);
grant select on table auth_gateway.otp_challenges to auth_gateway_app;

create table auth_gateway.passkeys (
  id uuid not null,
  uai uuid not null,
  digest bytea,
  rp_id text not null,
  aaguid uuid not null,
  transports text[] not null,
  backup_eligible boolean not null,
  backed_up boolean not null,
  sign_count bigint not null,
  sealed jsonb,
  registered_at timestamp with time zone not null,
  last_used_at timestamp with time zone,
  regressed_at timestamp with time zone,
  version integer not null,
  constraint passkeys_digest_key UNIQUE (digest),
  constraint passkeys_pkey PRIMARY KEY (id)
);
CREATE INDEX passkeys_uai ON auth_gateway.passkeys USING btree (uai) WHERE (sealed IS NOT NULL);
alter table auth_gateway.passkeys enable row level security;
create policy application_reads on auth_gateway.passkeys for r to auth_gateway_app using (true);
grant select on table auth_gateway.passkeys to auth_gateway_app;

create table auth_gateway.pending_sign_ins (
  id uuid not null,
  uai uuid not null,
  method text not null,
  completed boolean not null default false,
  required_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  version integer not null,
  constraint pending_sign_ins_pkey PRIMARY KEY (id)
);
alter table auth_gateway.pending_sign_ins enable row level security;
create policy application_reads on auth_gateway.pending_sign_ins for r to auth_gateway_app using (true);
grant select on table auth_gateway.pending_sign_ins to auth_gateway_app;

create table auth_gateway.projects (
  id uuid not null,
  owner_id uuid not null,
  organization_id uuid not null,
  members uuid[] not null,
  status text not null,
  details text,
  name_digest bytea,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  version integer not null,
  constraint projects_pkey PRIMARY KEY (id),
  constraint projects_status_check CHECK ((status = ANY (ARRAY['active'::text, 'deleted'::text])))
);
CREATE INDEX projects_members ON auth_gateway.projects USING gin (members);
CREATE UNIQUE INDEX projects_name ON auth_gateway.projects USING btree (owner_id, name_digest) WHERE (status = 'active'::text);
alter table auth_gateway.projects enable row level security;
create policy application_reads on auth_gateway.projects for r to auth_gateway_app using (true);
grant select on table auth_gateway.projects to auth_gateway_app;

create table auth_gateway.protected_resources (
  id uuid not null,
  identifier text not null,
  name text not null,
  scopes text[] not null,
  is_default boolean not null,
  supabase jsonb,
  version integer not null,
  constraint protected_resources_identifier_key UNIQUE (identifier),
  constraint protected_resources_pkey PRIMARY KEY (id)
);
alter table auth_gateway.protected_resources enable row level security;
create policy application_reads on auth_gateway.protected_resources for r to auth_gateway_app using (true);
grant select on table auth_gateway.protected_resources to auth_gateway_app;

create table auth_gateway.rate_limits (
  bucket text not null,
  count integer not null,
  expires_at timestamp with time zone not null,
  hits timestamp with time zone[],
  constraint rate_limits_pkey PRIMARY KEY (bucket)
);
CREATE INDEX rate_limits_expiry ON auth_gateway.rate_limits USING btree (expires_at);
alter table auth_gateway.rate_limits enable row level security;
create policy application_reads on auth_gateway.rate_limits for r to auth_gateway_app using (true);
grant select on table auth_gateway.rate_limits to auth_gateway_app;

create table auth_gateway.read_models (
  name text not null,
  stream_type text not null,
  projector text not null,
  constraint read_models_pkey PRIMARY KEY (name)
);
alter table auth_gateway.read_models enable row level security;
create policy application_reads on auth_gateway.read_models for r to auth_gateway_app using (true);
grant select on table auth_gateway.read_models to auth_gateway_app;

create table auth_gateway.recovery_codes (
  id uuid not null,
  uai uuid not null,
  code_hashes text[] not null,
  replaced boolean not null default false,
  issued_at timestamp with time zone not null,
  version integer not null,
  constraint recovery_codes_pkey PRIMARY KEY (id)
);
CREATE INDEX recovery_codes_uai ON auth_gateway.recovery_codes USING btree (uai) WHERE (NOT replaced);
alter table auth_gateway.recovery_codes enable row level security;
create policy application_reads on auth_gateway.recovery_codes for r to auth_gateway_app using (true);
grant select on table auth_gateway.recovery_codes to auth_gateway_app;

create table auth_gateway.refused_requests (
  id uuid not null,
  method text,
  route text,
  refusal text,
  reason text,
  uai uuid,
  client_id text,
  credential_id uuid,
  target text,
  count integer not null default 1,
  refused_at timestamp with time zone not null,
  constraint refused_requests_pkey PRIMARY KEY (id)
);
CREATE INDEX refused_requests_at ON auth_gateway.refused_requests USING btree (refused_at);
alter table auth_gateway.refused_requests enable row level security;
create policy application_reads on auth_gateway.refused_requests for r to auth_gateway_app using (true);
grant select on table auth_gateway.refused_requests to auth_gateway_app;

create table auth_gateway.remembered_devices (
  id uuid not null,
  uai uuid not null,
  key_hash text not null,
  user_agent text,
  forgotten boolean not null default false,
  remembered_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  version integer not null,
  constraint remembered_devices_pkey PRIMARY KEY (id)
);
CREATE INDEX remembered_devices_uai ON auth_gateway.remembered_devices USING btree (uai) WHERE (NOT forgotten);
alter table auth_gateway.remembered_devices enable row level security;
create policy application_reads on auth_gateway.remembered_devices for r to auth_gateway_app using (true);
grant select on table auth_gateway.remembered_devices to auth_gateway_app;

create table auth_gateway.replay_guard (
  scope text not null,
  key bytea not null,
  expires_at timestamp with time zone not null,
  constraint replay_guard_pkey PRIMARY KEY (scope, key)
);
CREATE INDEX replay_guard_expiry ON auth_gateway.replay_guard USING btree (expires_at);
alter table auth_gateway.replay_guard enable row level security;
create policy application_reads on auth_gateway.replay_guard for r to auth_gateway_app using (true);
grant select on table auth_gateway.replay_guard to auth_gateway_app;

create table auth_gateway.rewrapped_batches (
  epoch integer not null,
  batch integer not null,
  leaves bytea not null,
  root bytea not null,
  note text not null,
  constraint rewrapped_batches_pkey PRIMARY KEY (epoch, batch)
);
alter table auth_gateway.rewrapped_batches enable row level security;
create policy application_reads on auth_gateway.rewrapped_batches for r to auth_gateway_app using (true);
grant select on table auth_gateway.rewrapped_batches to auth_gateway_app;

create table auth_gateway.session_activity (
  session_id uuid not null,
  last_seen_at timestamp with time zone not null,
  constraint session_activity_pkey PRIMARY KEY (session_id)
);
alter table auth_gateway.session_activity enable row level security;
create policy application_reads on auth_gateway.session_activity for r to auth_gateway_app using (true);
grant select on table auth_gateway.session_activity to auth_gateway_app;

create table auth_gateway.sessions (
  id uuid not null,
  uai uuid not null,
  client_id uuid,
  platform text not null,
  project_scope text not null,
  method text not null,
  opened_from uuid,
  connection_id uuid,
  amr text[] not null,
  acr text not null,
  handle_hash text,
  origin text,
  started_at timestamp with time zone not null,
  stepped_up_at timestamp with time zone,
  recovered_at timestamp with time zone,
  weakened_at timestamp with time zone,
  idle_seconds integer not null,
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  end_reason text,
  version integer not null,
  constraint sessions_pkey PRIMARY KEY (id)
);
CREATE INDEX sessions_connection ON auth_gateway.sessions USING btree (connection_id, uai) WHERE (connection_id IS NOT NULL);
CREATE INDEX sessions_standing ON auth_gateway.sessions USING btree (expires_at) WHERE (ended_at IS NULL);
CREATE INDEX sessions_uai ON auth_gateway.sessions USING btree (uai, started_at DESC);
alter table auth_gateway.sessions enable row level security;
create policy application_reads on auth_gateway.sessions for r to auth_gateway_app using (true);
grant select on table auth_gateway.sessions to auth_gateway_app;

create table auth_gateway.sign_in_places (
  id uuid not null,
  uai uuid not null,
  digest bytea,
  session_id uuid not null,
  seen_at text not null,
  browser text,
  network text,
  first_seen_at timestamp with time zone not null,
  noticed_at timestamp with time zone,
  link_hash text,
  link_expires_at timestamp with time zone,
  disowned_at timestamp with time zone,
  version integer not null,
  constraint sign_in_places_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX sign_in_places_day ON auth_gateway.sign_in_places USING btree (uai, (((noticed_at AT TIME ZONE 'UTC'::text))::date)) WHERE (noticed_at IS NOT NULL);
CREATE UNIQUE INDEX sign_in_places_digest ON auth_gateway.sign_in_places USING btree (digest);
CREATE INDEX sign_in_places_uai ON auth_gateway.sign_in_places USING btree (uai, noticed_at);
alter table auth_gateway.sign_in_places enable row level security;
create policy application_reads on auth_gateway.sign_in_places for r to auth_gateway_app using (true);
grant select on table auth_gateway.sign_in_places to auth_gateway_app;

create table auth_gateway.signing_keys (
  id uuid not null,
  kid text not null,
  alg text not null,
  public_jwk jsonb not null,
  resource_id uuid,
  created_by uuid not null,
  active_from timestamp with time zone not null,
  expires_at timestamp with time zone,
  version integer not null,
  constraint signing_keys_kid_key UNIQUE (kid),
  constraint signing_keys_pkey PRIMARY KEY (id)
);
alter table auth_gateway.signing_keys enable row level security;
create policy application_reads on auth_gateway.signing_keys for r to auth_gateway_app using (true);
grant select on table auth_gateway.signing_keys to auth_gateway_app;

create table auth_gateway.sms_breakers (
  id uuid not null,
  country text not null,
  cause text not null,
  sent integer not null,
  entered integer,
  until timestamp with time zone not null,
  tripped_at timestamp with time zone not null,
  lifted_at timestamp with time zone,
  version integer not null,
  constraint sms_breakers_pkey PRIMARY KEY (id)
);
CREATE INDEX sms_breakers_country ON auth_gateway.sms_breakers USING btree (country, lifted_at);
CREATE UNIQUE INDEX sms_breakers_tripped ON auth_gateway.sms_breakers USING btree (country, until, (
CASE
    WHEN (cause = 'daily_cap'::text) THEN sent
    ELSE 0
END)) WHERE (lifted_at IS NULL);
alter table auth_gateway.sms_breakers enable row level security;
create policy application_reads on auth_gateway.sms_breakers for r to auth_gateway_app using (true);
grant select on table auth_gateway.sms_breakers to auth_gateway_app;

create table auth_gateway.stored_key_reads (
  key_id uuid not null,
  reads integer not null,
  constraint stored_key_reads_pkey PRIMARY KEY (key_id)
);
alter table auth_gateway.stored_key_reads enable row level security;
create policy application_reads on auth_gateway.stored_key_reads for r to auth_gateway_app using (true);
grant select on table auth_gateway.stored_key_reads to auth_gateway_app;

create table auth_gateway.stored_keys (
  id uuid not null,
  project_id uuid not null,
  organization_id uuid not null,
  created_by uuid not null,
  removed boolean not null default false,
  details text,
  name_digest bytea,
  key_type text not null,
  environment text not null,
  access_level text not null,
  status text not null,
  rotation_frequency text,
  expires_at timestamp with time zone,
  value_event uuid,
  last_rotated timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  version integer not null,
  constraint stored_keys_pkey PRIMARY KEY (id)
);
CREATE INDEX stored_keys_created_by ON auth_gateway.stored_keys USING btree (created_by) WHERE (name_digest IS NOT NULL);
CREATE UNIQUE INDEX stored_keys_name ON auth_gateway.stored_keys USING btree (project_id, name_digest) WHERE (NOT removed);
CREATE INDEX stored_keys_value ON auth_gateway.stored_keys USING btree (value_event);
alter table auth_gateway.stored_keys enable row level security;
create policy application_reads on auth_gateway.stored_keys for r to auth_gateway_app using (true);
grant select on table auth_gateway.stored_keys to auth_gateway_app;

create table auth_gateway.stream_heads (
  stream_type text not null,
  stream_id uuid not null,
  version integer not null,
  hash bytea not null,
  constraint stream_heads_pkey PRIMARY KEY (stream_type, stream_id)
);
alter table auth_gateway.stream_heads enable row level security;
create policy application_reads on auth_gateway.stream_heads for r to auth_gateway_app using (true);
grant select on table auth_gateway.stream_heads to auth_gateway_app;

create table auth_gateway.subject_keys (
  subject uuid not null,
  wrapped_key bytea not null,
  created_at timestamp with time zone not null default now(),
  batch integer,
  leaf integer,
  salt bytea,
  constraint subject_keys_pkey PRIMARY KEY (subject)
);
CREATE TRIGGER refuse_replaced_key BEFORE INSERT ON auth_gateway.subject_keys FOR EACH ROW EXECUTE FUNCTION auth_gateway.refuse_replaced_key();
alter table auth_gateway.subject_keys enable row level security;
create policy application_reads on auth_gateway.subject_keys for r to auth_gateway_app using (true);
grant select on table auth_gateway.subject_keys to auth_gateway_app;

create table auth_gateway.suppressions (
  id uuid not null,
  channel text not null,
  cause text not null,
  reason text,
  message_id uuid,
  suppressed_at timestamp with time zone not null,
  lifted_at timestamp with time zone,
  version integer not null,
  constraint suppressions_pkey PRIMARY KEY (id)
);
alter table auth_gateway.suppressions enable row level security;
create policy application_reads on auth_gateway.suppressions for r to auth_gateway_app using (true);
grant select on table auth_gateway.suppressions to auth_gateway_app;

create table auth_gateway.token_families (
  id uuid not null,
  kind text not null,
  uai uuid,
  client_id uuid not null,
  session_id uuid,
  authorization_id uuid,
  api_key_id uuid,
  api_key_rotations integer,
  agent_delegation_id uuid,
  confirmation jsonb,
  actor jsonb,
  acr text,
  amr text[],
  authenticated_at timestamp with time zone,
  ancestors uuid[] not null default '{}'::uuid[],
  ancestor_tokens text[] not null default '{}'::text[],
  scope text[] not null,
  resources text[] not null,
  offline boolean not null,
  refresh_hash text,
  previous_hash text,
  generation integer not null default 0,
  rotated_at timestamp with time zone,
  rotation_event uuid,
  refresh_expires_at timestamp with time zone,
  expires_at timestamp with time zone not null,
  started_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  revoke_reason text,
  version integer not null,
  constraint token_families_kind_check CHECK ((kind = ANY (ARRAY['authorization'::text, 'session'::text, 'delegated'::text, 'service'::text]))),
  constraint token_families_pkey PRIMARY KEY (id)
);
CREATE INDEX token_families_client ON auth_gateway.token_families USING btree (client_id, started_at DESC);
CREATE INDEX token_families_session ON auth_gateway.token_families USING btree (session_id);
CREATE INDEX token_families_uai ON auth_gateway.token_families USING btree (uai);
alter table auth_gateway.token_families enable row level security;
create policy application_reads on auth_gateway.token_families for r to auth_gateway_app using (true);
grant select on table auth_gateway.token_families to auth_gateway_app;

create table auth_gateway.totp_authenticators (
  id uuid not null,
  uai uuid not null,
  last_step bigint not null,
  failures jsonb not null default '{"sign_in": 0, "step_up": 0, "known_browser": 0}'::jsonb,
  secret_event uuid,
  enrolled_at timestamp with time zone not null,
  last_used_at timestamp with time zone not null,
  version integer not null,
  constraint totp_authenticators_pkey PRIMARY KEY (id)
);
CREATE INDEX totp_authenticators_secret ON auth_gateway.totp_authenticators USING btree (secret_event);
CREATE INDEX totp_authenticators_uai ON auth_gateway.totp_authenticators USING btree (uai) WHERE (secret_event IS NOT NULL);
alter table auth_gateway.totp_authenticators enable row level security;
create policy application_reads on auth_gateway.totp_authenticators for r to auth_gateway_app using (true);
grant select on table auth_gateway.totp_authenticators to auth_gateway_app;

create table auth_gateway.webhook_cursors (
  webhook_id uuid not null,
  position bigint not null,
  delivered_since bigint not null,
  leased_until timestamp with time zone not null,
  delivered bigint not null default 0,
  last_delivered_at timestamp with time zone,
  constraint webhook_cursors_pkey PRIMARY KEY (webhook_id)
);
alter table auth_gateway.webhook_cursors enable row level security;
create policy application_reads on auth_gateway.webhook_cursors for r to auth_gateway_app using (true);
grant select on table auth_gateway.webhook_cursors to auth_gateway_app;

create table auth_gateway.webhook_deliveries (
  webhook_id uuid not null,
  position bigint not null,
  stream_id uuid not null,
  status text not null,
  attempts integer not null,
  next_at timestamp with time zone not null,
  failure text,
  failed_at timestamp with time zone not null,
  constraint webhook_deliveries_pkey PRIMARY KEY (webhook_id, "position"),
  constraint webhook_deliveries_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'dead'::text])))
);
CREATE INDEX webhook_deliveries_dead ON auth_gateway.webhook_deliveries USING btree (webhook_id, "position") WHERE (status = 'dead'::text);
alter table auth_gateway.webhook_deliveries enable row level security;
create policy application_reads on auth_gateway.webhook_deliveries for r to auth_gateway_app using (true);
grant select on table auth_gateway.webhook_deliveries to auth_gateway_app;

create table auth_gateway.webhooks (
  id uuid not null,
  settings jsonb not null,
  organization_id uuid,
  status text not null,
  status_reason text,
  secret_event uuid not null,
  delivered_after bigint not null,
  delivered_since bigint not null,
  added_at timestamp with time zone not null,
  version integer not null,
  constraint webhooks_pkey PRIMARY KEY (id),
  constraint webhooks_status_check CHECK ((status = ANY (ARRAY['active'::text, 'stopped'::text])))
);
alter table auth_gateway.webhooks enable row level security;
create policy application_reads on auth_gateway.webhooks for r to auth_gateway_app using (true);
grant select on table auth_gateway.webhooks to auth_gateway_app;

create view auth_gateway.archived_events with (security_invoker=true) as
 SELECT a.archive_id,
    a.tile,
    e."position",
    e.leaf
   FROM (auth_gateway.archived_leaves a
     CROSS JOIN LATERAL ( SELECT p."position",
            SUBSTRING(t.hashes FROM ((((p.n)::integer - 1) * 32) + 1) FOR 32) AS leaf
           FROM (auth_gateway.audit_tiles t
             CROSS JOIN LATERAL unnest(t.positions) WITH ORDINALITY p("position", n))
          WHERE ((t.level = 0) AND (t.index = a.tile) AND (get_bit(a.bits, ((p.n)::integer - 1)) = 1))
         OFFSET 0) e);
grant select on table auth_gateway.archived_events to auth_gateway_app;

create view auth_gateway.person_facts with (security_invoker=true) as
 SELECT i.uai,
    i.status AS identity_status,
    i.role,
    i.plan,
    i.organization_id,
    i.locale,
    i.name,
    i.email,
    i.email_verified,
    i.members,
    i.organizations,
    i.standing,
    i.created_at AS identity_created_at,
    encode(k.wrapped_key, 'base64'::text) AS wrapped_key
   FROM (auth_gateway.identities i
     LEFT JOIN auth_gateway.subject_keys k ON ((k.subject = i.uai)));
grant select on table auth_gateway.person_facts to auth_gateway_app;

create view auth_gateway.session_facts with (security_invoker=true) as
 SELECT s.id AS session_id,
    s.uai,
    s.handle_hash,
    s.opened_from,
    s.platform,
    s.project_scope,
    s.method,
    s.amr,
    s.acr,
    COALESCE(s.stepped_up_at, s.started_at) AS authenticated_at,
    s.stepped_up_at,
    s.recovered_at,
    s.expires_at AS session_expires_at,
    s.version AS session_version,
    s.origin AS session_origin,
    s.weakened_at,
    auth_gateway.session_is_valid(s.*, a.last_seen_at, o.ended_at) AS session_live,
    (COALESCE(a.last_seen_at, s.started_at) < (now() - '00:05:00'::interval)) AS session_activity_stale
   FROM ((auth_gateway.sessions s
     LEFT JOIN auth_gateway.session_activity a ON ((a.session_id = s.id)))
     LEFT JOIN auth_gateway.sessions o ON ((o.id = s.opened_from)));
grant select on table auth_gateway.session_facts to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.add_to_key_ring(p_version integer, p_keys jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  update key_root set version = version + 1 where version = p_version;
  if found then
    insert into key_ring (id, purpose, epoch, sealed, active_from)
    select k.id, k.purpose, k.epoch, decode(k.sealed, 'base64'), k.active_from
    from jsonb_to_recordset(p_keys) as k(id uuid, purpose text, epoch integer, sealed text, active_from timestamptz);
  end if;
end $function$;
grant execute on function auth_gateway.add_to_key_ring(integer,jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.ancestry_is_live(f auth_gateway.token_families)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  return not exists (
      select 1 from unnest(f.ancestors) as a(id)
      left join token_families t on t.id = a.id
      left join api_clients c on c.id = t.client_id
      where t.id is null or t.revoked_at is not null or t.expires_at <= now() or c.status is distinct from 'active')
    and not exists (select 1 from access_token_revocations r where r.jti = any (f.ancestor_tokens))
    and (f.agent_delegation_id is null or exists (
      select 1 from agent_delegations d where d.id = f.agent_delegation_id and d.ended_at is null and d.expires_at > now()))
    and (f.api_key_id is null or exists (
      select 1 from api_keys k where k.id = f.api_key_id and k.status = 'active' and k.rotations = f.api_key_rotations
        and (k.expires_at is null or k.expires_at > now())));
end $function$;
grant execute on function auth_gateway.ancestry_is_live(auth_gateway.token_families) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.append_events(p_appends jsonb, p_subject_keys jsonb DEFAULT '[]'::jsonb, p_limits jsonb DEFAULT '[]'::jsonb)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  no_hash constant bytea := decode(repeat('00', 32), 'hex');
  a record;
  e record;
  v event_store;
  v_events event_store[] := '{}';
  v_wait integer;
  v_keys integer;
  v_key bytea;
begin
  if p_limits <> '[]' then
    v_wait := hit_rate_limits(p_limits);
    if v_wait > 0 then
      raise exception 'rate limit reached' using errcode = 'LA003', detail = v_wait::text;
    end if;
  end if;

  if p_subject_keys <> '[]' then
    insert into subject_keys (subject, wrapped_key)
    select k.subject, decode(k.wrapped_key, 'hex') from jsonb_to_recordset(p_subject_keys) as k(subject uuid, wrapped_key text)
    on conflict do nothing;
    get diagnostics v_keys = row_count;
    if v_keys < jsonb_array_length(p_subject_keys) then
      raise exception 'subject already known' using errcode = 'LA001';
    end if;
  end if;

  -- Locks are taken in one order by all, one look-up by key each: for a join, the planner would read the whole table. A single stream is
  -- locked below, where its hash is read. No stream starts for a person who is erased at the same time: the later of two transactions sees
  -- the earlier one.
  if jsonb_array_length(p_appends) > 1 or p_appends->0->>'expected_version' = '0' or p_appends->0->>'stream_type' = 'identity' then
    for a in
      select x.stream_type, x.stream_id, (x.events->0->>'subject')::uuid as person, x.expected_version = 0 as starts,
        x.stream_type = 'identity' and x.events @> '[{"event_type": "IdentityErased"}]' as erases
      from jsonb_to_recordset(p_appends) as x(stream_type text, stream_id uuid, expected_version integer, events jsonb)
      order by x.stream_type <> 'identity', x.expected_version > 0, 1, 2
    loop
      if not a.starts then
        perform 1 from stream_heads h where h.stream_type = a.stream_type and h.stream_id = a.stream_id for update;
        if a.erases then
          perform pg_advisory_xact_lock(hashtextextended(a.stream_id::text, 0));
        end if;
      elsif a.stream_type in ('session', 'token_family', 'authorization', 'consent', 'api_key', 'agent_delegation', 'project', 'stored_key',
        'totp_authenticator', 'passkey', 'recovery_codes') then
        perform pg_advisory_xact_lock_shared(hashtextextended(a.person::text, 0));
        perform 1 from identities i where i.uai = a.person and i.status = 'erased';
        if found then
          raise exception 'the person was erased' using errcode = 'LA001';
        end if;
      end if;
    end loop;
  end if;

  for a in
    select x.* from jsonb_to_recordset(p_appends)
      as x(stream_type text, stream_id uuid, expected_version integer, events jsonb)
  loop
    if a.expected_version = 0 then
      v.previous_hash := no_hash;
    else
      select h.hash into v.previous_hash from stream_heads h
      where h.stream_type = a.stream_type and h.stream_id = a.stream_id and h.version = a.expected_version for update;
      if not found then
        raise exception 'stream % % is not at version %', a.stream_type, a.stream_id, a.expected_version using errcode = 'LA001';
      end if;
    end if;

    v.stream_type := a.stream_type;
    v.stream_id := a.stream_id;
    v.version := a.expected_version;
    v.transaction_id := pg_current_xact_id();
    v.recorded_at := clock_timestamp();
    for e in
      select x.* from jsonb_to_recordset(a.events) as x(event_id uuid, event_type text, schema_version smallint, subject uuid, data jsonb,
        metadata jsonb, digests jsonb, secrets jsonb)
    loop
      v.position := nextval('event_position');
      v.event_id := e.event_id;
      v.version := v.version + 1;
      v.event_type := e.event_type;
      v.schema_version := e.schema_version;
      v.subject := e.subject;
      v.data := e.data;
      v.metadata := e.metadata;
      if v.version = 1 and p_subject_keys <> '[]' then
        select decode(k.wrapped_key, 'hex') into v_key
        from jsonb_to_recordset(p_subject_keys) as k(subject uuid, wrapped_key text) where k.subject = v.stream_id;
        if found then
          v.metadata := v.metadata || jsonb_build_object('subjectKey', encode(sha256(v_key), 'hex'));
        end if;
      end if;
      if jsonb_array_length(e.digests) > 0 then
        with kept as (
          insert into lookup_digests (event_id, stream_type, stream_id, subject, kind, salt, digest)
          select v.event_id, v.stream_type, v.stream_id, v.subject, d.kind, uuid_send(gen_random_uuid()), decode(d.digest, 'hex')
          from jsonb_to_recordset(e.digests) as d(kind text, digest text)
          returning kind, salt, digest)
        select v.metadata || jsonb_build_object('digests', jsonb_object_agg(kind, encode(sha256(salt || digest), 'hex')))
        into v.metadata from kept;
      end if;
      if jsonb_array_length(e.secrets) > 0 then
        with kept as (
          insert into event_secrets (event_id, name, stream_id, sealed, expires_at)
          select v.event_id, s.name, v.stream_id, decode(s.sealed, 'hex'), s.expires_at
          from jsonb_to_recordset(e.secrets) as s(name text, sealed text, expires_at timestamptz)
          returning name, sealed, expires_at)
        select v.metadata || jsonb_build_object('secrets', jsonb_object_agg(name,
          jsonb_strip_nulls(jsonb_build_object('sha256', encode(sha256(sealed), 'hex'), 'expiresAt', expires_at))))
        into v.metadata from kept;
      end if;
      v.hash := event_hash(v);
      v_events := v_events || v;
      v.previous_hash := v.hash;
    end loop;

    if a.expected_version = 0 then
      insert into stream_heads values (v.stream_type, v.stream_id, v.version, v.hash) on conflict do nothing;
      if not found then
        raise exception 'stream % % exists', a.stream_type, a.stream_id using errcode = 'LA001';
      end if;
    elsif v.version > a.expected_version then -- a stream without events is only required to be at its version
      update stream_heads h set version = v.version, hash = v.hash where h.stream_type = v.stream_type and h.stream_id = v.stream_id;
    end if;
  end loop;

  insert into event_store select * from unnest(v_events);
  return v.position;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.append_requests(p_requests text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
 SET lock_timeout TO '5s'
AS $function$
declare
  v_lines text[] := string_to_array(p_requests, E'\n');
  v_outcomes jsonb := '[]';
  v_line text;
  v_detail text;
begin
  -- A request alone needs no subtransaction: its error is the error of the statement.
  if cardinality(v_lines) = 1 then
    perform append_events(r.appends, r.subject_keys, r.limits)
    from jsonb_to_record(p_requests::jsonb) as r(appends jsonb, subject_keys jsonb, limits jsonb);
    return '[null]';
  end if;
  foreach v_line in array v_lines loop
    begin
      perform append_events(r.appends, r.subject_keys, r.limits)
      from jsonb_to_record(v_line::jsonb) as r(appends jsonb, subject_keys jsonb, limits jsonb);
      v_outcomes := v_outcomes || jsonb 'null';
    exception when others then
      get stacked diagnostics v_detail = pg_exception_detail;
      v_outcomes := v_outcomes || jsonb_build_array(jsonb_build_object('code', sqlstate, 'message', sqlerrm, 'detail', v_detail));
    end;
  end loop;
  return v_outcomes;
end $function$;
grant execute on function auth_gateway.append_requests(text) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.beat()
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  update heartbeat set beaten_at = clock_timestamp() where beaten_at < clock_timestamp() - interval '1 second';
  return clock_timestamp();
end $function$;
grant execute on function auth_gateway.beat() to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.check_api_key(p_hash text, p_address inet, p_service text)
 RETURNS json
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  k api_keys;
  v_person record;
  v_used timestamptz;
  v_service jsonb;
  v_address_allowed boolean;
  v_count jsonb;
begin
  select x.* into k from api_key_secrets s join api_keys x on x.id = s.key_id
  where s.hash = p_hash and (s.expires_at is null or s.expires_at > now());
  if k.id is null or k.status <> 'active' or k.expires_at <= now() then
    return null;
  end if;
  if k.ancestors <> '{}' and exists (select from api_keys a where a.id = any (k.ancestors)
    and (a.status <> 'active' or a.expires_at <= now())) then
    return null;
  end if;
  if k.application is not null
    and not exists (select from api_clients c where c.id = k.application and c.status = 'active') then
    return null;
  end if;
  select i.* into v_person from identities own join person_facts i on i.uai = own.canonical_uai
  where own.uai = k.created_by and i.identity_status = 'active';
  if not found then
    return null;
  end if;
  v_address_allowed := coalesce(cardinality(k.networks), 0) = 0 or coalesce(p_address <<= any (k.networks), false);
  if k.service = 'specific' and p_service is not null then
    select value into v_service from jsonb_array_elements(k.service_scopes) where value->>'service_key' = p_service;
  end if;
  if k.limits is null and v_service->>'max_calls_per_minute' is null and v_service->>'max_calls_per_day' is null then
    select last_used_at into v_used from api_key_activity where key_id = k.id;
  elsif v_address_allowed and k.binding is null then
    v_count := count_api_key_use(k, v_service);
  end if;
  k.name := null;
  k.description := null;
  k.name_digest := null;
  return json_build_object(
    'key', row_to_json(k),
    'person', row_to_json(v_person),
    'addressAllowed', v_address_allowed,
    'service', v_service,
    'activityStale', v_used is null or v_used < now() - interval '1 minute',
    'count', v_count);
end $function$;
grant execute on function auth_gateway.check_api_key(text,inet,text) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.claim_form_state(p_key bytea, p_now timestamp with time zone, p_expires_at timestamp with time zone, OUT first boolean, OUT sealed bytea)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  perform sweep_form_states(4);
  insert into form_states as f (key, expires_at) values (p_key, p_expires_at)
  on conflict (key) do update set sealed = null, expires_at = excluded.expires_at where f.expires_at <= p_now;
  first := found;
  if not first then
    select f.sealed into claim_form_state.sealed from form_states f where f.key = p_key;
  end if;
end $function$;
grant execute on function auth_gateway.claim_form_state(bytea,timestamp with time zone,timestamp with time zone) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.claim_once(p_scope text, p_key bytea, p_expires_at timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  with claimed as (
    insert into replay_guard as g (scope, key, expires_at) values (p_scope, p_key, p_expires_at)
    on conflict (scope, key) do update set expires_at = excluded.expires_at where g.expires_at <= now()
    returning 1
  )
  select exists (select 1 from claimed)
$function$;
grant execute on function auth_gateway.claim_once(text,bytea,timestamp with time zone) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.claim_webhook(p_id uuid, p_seconds integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  w webhooks;
  v_position bigint;
begin
  select * into w from webhooks where id = p_id and status = 'active';
  if not found then
    return null;
  end if;
  insert into webhook_cursors as c (webhook_id, position, delivered_since, leased_until)
  values (p_id, w.delivered_after, w.delivered_since, now() + make_interval(secs => p_seconds))
  on conflict (webhook_id) do update set leased_until = excluded.leased_until,
    position = case when c.delivered_since = excluded.delivered_since then c.position else excluded.position end,
    delivered_since = excluded.delivered_since
  where c.leased_until <= now()
  returning c.position into v_position;
  return v_position;
end $function$;
grant execute on function auth_gateway.claim_webhook(uuid,integer) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.client_json(p_client_id text)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  return (select row_to_json(c) from auth_gateway.api_clients c
    where auth_gateway.client_key(c.client_id) = auth_gateway.client_key(p_client_id));
end $function$;
grant execute on function auth_gateway.client_json(text) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.client_key(p_client_id text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
begin
  return case when p_client_id ~ '^https?://' then p_client_id else lower(p_client_id) end;
end $function$;
grant execute on function auth_gateway.client_key(text) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.close_to_public()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  revoke all on all tables in schema auth_gateway from public, anon, authenticated, service_role;
  revoke all on all sequences in schema auth_gateway from public, anon, authenticated, service_role;
  revoke all on all routines in schema auth_gateway from public, anon, authenticated, service_role;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.count_api_key_use(k auth_gateway.api_keys, p_service jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_line uuid[] := array(select x.id from api_keys x where x.id = any (k.ancestors) and x.limits is not null) || k.id;
  v_wait integer;
  v_left integer;
begin
  v_wait := hit_rate_limits((
    select coalesce(jsonb_agg(jsonb_build_object('bucket', b.bucket, 'seconds', b.seconds, 'max', b.max)), '[]')
    from (
      select format('api-key:%s:%s', l.seconds, l.counter) as bucket, l.seconds, min(l.max) as max
      from api_keys x
      left join lateral (select value from jsonb_array_elements(x.service_scopes)
        where value->>'service_key' = p_service->>'service_key' limit 1) s on true
      cross join lateral (select case when x.limits->>'counted_by' = 'owner' then 'owner:' || x.owner_id else 'key:' || x.id end as counter,
        format('key:%s:%s', x.id, p_service->>'service_key') as service) c
      cross join lateral (values (60, c.counter, (x.limits->>'max_calls_per_minute')::int),
        (86400, c.counter, (x.limits->>'max_calls_per_day')::int), (60, c.service, (s.value->>'max_calls_per_minute')::int),
        (86400, c.service, (s.value->>'max_calls_per_day')::int)) as l(seconds, counter, max)
      where x.id = any (k.ancestors || k.id) and l.max is not null
      group by 1, 2) b));
  if v_wait > 0 then
    return jsonb_build_object('wait', v_wait, 'exhausted', false);
  end if;
  insert into api_key_activity (key_id) select unnest(v_line) order by 1 on conflict do nothing;
  perform 1 from api_key_activity a where a.key_id = any (v_line) order by a.key_id for update;
  select min((x.limits->>'max_uses')::int - a.limited_uses) into v_left
  from api_keys x join api_key_activity a on a.key_id = x.id where x.id = any (v_line);
  if v_left <= 0 then
    return jsonb_build_object('wait', 0, 'exhausted', true);
  end if;
  update api_key_activity a set limited_uses = a.limited_uses + 1,
    last_used_at = case when a.key_id = k.id then now() else a.last_used_at end
  where a.key_id = any (v_line);
  insert into api_key_usage as d (key_id, day, uses) values (k.id, (now() at time zone 'UTC')::date, 1)
  on conflict (key_id, day) do update set uses = d.uses + 1;
  return jsonb_build_object('wait', 0, 'exhausted', false, 'left', v_left - 1);
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.count_bound_api_key_use(p_id uuid, p_service jsonb, p_nonce bytea, p_nonce_expires timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  k api_keys;
begin
  if p_nonce is not null and not claim_once('api-key-nonce', p_nonce, p_nonce_expires) then
    return jsonb_build_object('wait', 0, 'exhausted', false, 'replayed', true);
  end if;
  select * into k from api_keys where id = p_id;
  return count_api_key_use(k, p_service);
end $function$;
grant execute on function auth_gateway.count_bound_api_key_use(uuid,jsonb,bytea,timestamp with time zone) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.delete_archived_month(p_archive uuid, p_month date)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_from uuid := uuid_v7_floor(p_month::timestamp at time zone 'UTC');
  v_until uuid := uuid_v7_floor((p_month + interval '1 month') at time zone 'UTC');
begin
  execute format('create temporary table archived on commit drop as
    select position, event_id, stream_type, stream_id, version from %I', 'event_store_' || to_char(p_month, 'YYYY_MM'));
  insert into archived_leaves (archive_id, tile, bits)
  select p_archive, t.index, bit_or(set_bit(repeat('0', 256)::bit(256), p.n::integer - 1, 1))
  from audit_tiles t cross join lateral unnest(t.positions) with ordinality as p(position, n)
  join archived using (position)
  where t.level = 0 group by t.index;

  delete from event_secrets s using archived o where s.event_id = o.event_id;
  delete from lookup_digests d using archived o where d.event_id = o.event_id;
  delete from subject_keys k using archived o where o.version = 1 and k.subject = o.stream_id;
  delete from webhook_deliveries d using archived o where d.position = o.position;
  delete from stream_heads h using archived o
  where o.version = 1 and h.stream_type = o.stream_type and h.stream_id = o.stream_id;

  insert into archived_uses as u (id, last_used_at)
  select x.id, max(f.started_at) from token_families f cross join lateral unnest(array[f.client_id, f.agent_delegation_id]) as x(id)
  where f.id >= v_from and f.id < v_until and x.id is not null group by x.id
  on conflict (id) do update set last_used_at = greatest(u.last_used_at, excluded.last_used_at);

  delete from session_activity where session_id >= v_from and session_id < v_until;
  delete from sessions where id >= v_from and id < v_until;
  delete from otp_challenges where id >= v_from and id < v_until;
  delete from pending_sign_ins where id >= v_from and id < v_until;
  delete from authorizations where id >= v_from and id < v_until;
  delete from access_token_revocations where family_id >= v_from and family_id < v_until;
  delete from token_families where id >= v_from and id < v_until;
  delete from refused_requests where id >= v_from and id < v_until;
  delete from device_authorizations where id >= v_from and id < v_until;
  delete from hook_calls where id >= v_from and id < v_until;
  delete from messages where id >= v_from and id < v_until;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.delete_batch(p_table regclass, p_condition text, p_batch integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_count integer;
begin
  execute format('delete from %1$s where ctid = any (array(select ctid from %1$s where %2$s limit $1 for update skip locked))',
    p_table, p_condition) using p_batch;
  get diagnostics v_count = row_count;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.ensure_event_partitions(p_from timestamp with time zone, p_months integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_start timestamptz;
  v_name text;
  v_made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('auth_gateway.ensure_event_partitions'));
  for i in 0 .. p_months - 1 loop
    v_start := (date_trunc('month', p_from at time zone 'UTC') + make_interval(months => i)) at time zone 'UTC';
    v_name := 'event_store_' || to_char(v_start at time zone 'UTC', 'YYYY_MM');
    continue when to_regclass('auth_gateway.' || v_name) is not null;
    continue when exists (
      select 1 from event_store_short_lived_default
      where stream_id >= uuid_v7_floor(v_start)
        and stream_id < uuid_v7_floor((v_start at time zone 'UTC' + interval '1 month') at time zone 'UTC'));
    execute format('create table %I partition of event_store_short_lived for values from (%L) to (%L)',
      v_name, uuid_v7_floor(v_start), uuid_v7_floor((v_start at time zone 'UTC' + interval '1 month') at time zone 'UTC'));
    execute format('alter table %I enable row level security', v_name);
    execute format('create trigger append_only_table before truncate on %I for each statement execute function refuse_change()',
      v_name);
    v_made := v_made + 1;
  end loop;
  return v_made;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.event_canonical(e auth_gateway.event_store)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  select concat_ws(E'\n', 'lanonasis-event-v1', e.position, e.event_id, e.stream_type, e.stream_id, e.version, e.event_type,
    e.schema_version, coalesce(e.subject::text, '-'), e.transaction_id,
    to_char(e.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.data, e.metadata)
$function$;

CREATE OR REPLACE FUNCTION auth_gateway.event_hash(e auth_gateway.event_store)
 RETURNS bytea
 LANGUAGE sql
 STABLE
AS $function$
  select sha256(e.previous_hash || convert_to(auth_gateway.event_canonical(e), 'UTF8'))
$function$;

CREATE OR REPLACE FUNCTION auth_gateway.event_json(e auth_gateway.event_store)
 RETURNS json
 LANGUAGE sql
 STABLE
RETURN json_build_object('event_id', (e).event_id, 'version', (e).version, 'type', (e).event_type, 'data', (e).data);
grant execute on function auth_gateway.event_json(auth_gateway.event_store) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.find_authorization(p_id uuid, p_paste_hash text, p_client_id text, p_limits jsonb)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  v_id uuid := coalesce(p_id, (select p.id from auth_gateway.authorizations p where p.paste_hash = p_paste_hash));
begin
  return (
    select json_build_object(
      'id', v_id,
      'events', (select coalesce(json_agg(auth_gateway.event_json(e) order by e.version), '[]')
        from auth_gateway.event_store e where e.stream_type = 'authorization' and e.stream_id = v_id),
      'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
      'requested_by', case when c.id is not null then row_to_json(c) end,
      'resources', auth_gateway.resources_json(),
      'session', case when s.session_id is not null then row_to_json(s) end,
      'person', case when i.uai is not null then row_to_json(i) end,
      'consent', (select row_to_json(n) from auth_gateway.consents n where n.uai = any (i.members) and n.client_id = a.client_id
        order by n.uai <> i.uai limit 1),
      'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end)
    from (select 1) as one
    left join auth_gateway.authorizations a on a.id = v_id
    left join auth_gateway.api_clients c on c.id = a.client_id
    left join auth_gateway.session_facts s on s.session_id = a.session_id
    left join auth_gateway.identities own on own.uai = a.uai
    left join auth_gateway.person_facts i on i.uai = own.canonical_uai);
end $function$;
grant execute on function auth_gateway.find_authorization(uuid,text,text,jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.find_device(p_id uuid, p_client_id text, p_limits jsonb)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return (
    select json_build_object(
      'events', (select coalesce(json_agg(auth_gateway.event_json(e) order by e.version), '[]')
        from auth_gateway.event_store e where e.stream_type = 'device_authorization' and e.stream_id = d.id),
      'wrappedKey', (select encode(k.wrapped_key, 'base64') from auth_gateway.subject_keys k where k.subject = d.id),
      'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
      'session', case when s.session_id is not null then row_to_json(s) end,
      'person', case when i.uai is not null then row_to_json(i) end,
      'supabase', auth_gateway.supabase_resource(d.resources),
      'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end)
    from (select 1) as one
    left join auth_gateway.device_authorizations d on d.id = p_id
    left join auth_gateway.session_facts s on s.session_id = d.session_id and d.uai is not null
    left join auth_gateway.identities own on own.uai = d.uai
    left join auth_gateway.person_facts i on i.uai = own.canonical_uai);
end $function$;
grant execute on function auth_gateway.find_device(uuid,text,jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.find_family(p_id uuid, p_jti text, p_client_id text, p_limits jsonb)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  f auth_gateway.token_families;
  v_client json;
  v_session record;
  v_person record;
  v_answer text;
begin
  select x.* into f from auth_gateway.token_families x where x.id = p_id;
  if found then
    select row_to_json(c) into v_client from auth_gateway.api_clients c where c.id = f.client_id;
  end if;
  select s.* into v_session from auth_gateway.session_facts s where s.session_id = f.session_id;
  select i.* into v_person from auth_gateway.identities own join auth_gateway.person_facts i on i.uai = own.canonical_uai
  where own.uai = f.uai;
  if f.rotation_event is not null then
    select encode(e.sealed, 'base64') into v_answer from auth_gateway.event_secrets e
    where e.event_id = f.rotation_event and e.name = 'answer' and e.expires_at > now();
  end if;
  return json_build_object(
    'family', case when f.id is not null then row_to_json(f) end,
    'family_client', v_client,
    'ancestry_live', case when f.kind = 'delegated' then auth_gateway.ancestry_is_live(f) else true end,
    'answer', v_answer,
    'supabase', auth_gateway.supabase_resource(f.resources),
    'default_resources', array(select r.identifier from auth_gateway.protected_resources r where r.is_default),
    'session', case when v_session.session_id is not null then row_to_json(v_session) end,
    'person', case when v_person.uai is not null then row_to_json(v_person) end,
    'jti_revoked', exists (select from auth_gateway.access_token_revocations r where r.jti = p_jti),
    'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
    'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end);
end $function$;
grant execute on function auth_gateway.find_family(uuid,text,text,jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.find_for_authorize(p_client_id text, p_session uuid, p_handle_hash text)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return (
    select json_build_object(
      'client', case when c.id is not null then row_to_json(c) end,
      'resources', auth_gateway.resources_json(),
      'session', case when s.session_id is not null then row_to_json(s) end,
      'person', case when i.uai is not null then row_to_json(i) end,
      'consent', (select row_to_json(n) from auth_gateway.consents n where n.uai = any (i.members) and n.client_id = c.id
        order by n.uai <> i.uai limit 1))
    from (select 1) as one
    left join auth_gateway.api_clients c on auth_gateway.client_key(c.client_id) = auth_gateway.client_key(p_client_id)
    left join auth_gateway.session_facts s on s.session_id = p_session and s.handle_hash = p_handle_hash
    left join auth_gateway.identities own on own.uai = s.uai
    left join auth_gateway.person_facts i on i.uai = own.canonical_uai);
end $function$;
grant execute on function auth_gateway.find_for_authorize(text,uuid,text) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.find_for_service(p_client_id text, p_limits jsonb)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return json_build_object('client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
    'resources', auth_gateway.resources_json(), 'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end);
end $function$;
grant execute on function auth_gateway.find_for_service(text,jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.find_otp(p_digest bytea, p_credential_kind text, p_challenge uuid, p_client_id text, p_network bytea, p_sessions jsonb, p_limits jsonb)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  v_own uuid;
  v_challenge uuid;
begin
  if p_challenge is null then
    select c.id into v_own from auth_gateway.otp_challenges c
    where c.status = 'open' and c.expires_at > now() and c.id = (
      select d.stream_id from auth_gateway.lookup_digests d where d.kind = 'otp_network_address' and d.digest = p_network
      order by d.stream_id desc limit 1);
  end if;
  v_challenge := coalesce(v_own, (
    select d.stream_id from auth_gateway.lookup_digests d
    where d.kind = any (case when p_challenge is null then array['otp_address'] else array['otp_address', 'otp_browser_address'] end)
      and d.digest = p_digest and (p_challenge is null or d.stream_id = p_challenge)
    order by d.stream_id desc limit 1));
  return (
    select json_build_object(
      'challenge_id', v_challenge,
      'is_own', v_own is not null,
      'challenge_key', (select encode(x.wrapped_key, 'base64') from auth_gateway.subject_keys x where x.subject = v_challenge),
      'events', (select coalesce(json_agg(auth_gateway.event_json(e) order by e.version), '[]')
        from auth_gateway.event_store e where e.stream_type = 'otp_challenge' and e.stream_id = v_challenge),
      'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
      'default_resources', (select array_agg(r.identifier) from auth_gateway.protected_resources r where r.is_default),
      'person', case when i.uai is not null then row_to_json(i) end,
      'known_by', case when p_sessions is not null and i.uai is not null then auth_gateway.known_browser(i.uai, p_sessions) end,
      'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end,
      'suppressed', exists (
        select from auth_gateway.lookup_digests sd join auth_gateway.suppressions su on su.id = sd.stream_id
        where sd.kind = 'suppressed_address' and sd.digest = p_digest and su.lifted_at is null))
    from (select 1) as one
    left join auth_gateway.credentials c on c.kind = p_credential_kind and c.digest = p_digest
    left join auth_gateway.identities own on own.uai = c.uai
    left join auth_gateway.person_facts i on i.uai = own.canonical_uai);
end $function$;
grant execute on function auth_gateway.find_otp(bytea,text,uuid,text,bytea,jsonb,jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.find_session(p_id uuid, p_handle_hash text)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  v_session record;
  v_person record;
begin
  select s.* into v_session from auth_gateway.session_facts s where s.session_id = p_id and s.handle_hash = p_handle_hash;
  if not found then
    return null;
  end if;
  select i.* into v_person from auth_gateway.identities own join auth_gateway.person_facts i on i.uai = own.canonical_uai
  where own.uai = v_session.uai;
  return json_build_object('session', row_to_json(v_session), 'person', row_to_json(v_person));
end $function$;
grant execute on function auth_gateway.find_session(uuid,text) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.forget_erased(p_subject uuid)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_subjects uuid[];
  v_keys integer;
begin
  select array_append(array(select jsonb_array_elements_text(coalesce(e.data->'forgotten', '[]')))::uuid[], p_subject)
  into v_subjects from event_store e
  where e.stream_type = 'identity' and e.stream_id = p_subject and e.event_type = 'IdentityErased';
  if not found then
    raise exception 'identity % is not erased', p_subject using errcode = 'LA004';
  end if;
  delete from lookup_digests where subject = any (v_subjects);
  delete from event_secrets where name = 'upstream' and stream_id in (select id from sessions where uai = any (v_subjects));
  update api_keys set name_digest = null where created_by = p_subject;
  update projects set name_digest = null where owner_id = p_subject and status = 'active';
  update stored_keys set name_digest = null where created_by = p_subject and name_digest is not null;
  update passkeys set digest = null where uai = p_subject;
  update sign_in_places set digest = null where uai = p_subject;
  delete from subject_keys where subject = any (v_subjects);
  get diagnostics v_keys = row_count;
  return v_keys;
end $function$;
grant execute on function auth_gateway.forget_erased(uuid) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.forget_form_state(p_key bytea)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  delete from form_states where key = p_key
$function$;
grant execute on function auth_gateway.forget_form_state(bytea) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.forget_removed_webhooks()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  -- What was delivered to has a cursor.
  delete from webhook_deliveries d where d.webhook_id = any (array(
    select c.webhook_id from webhook_cursors c where not exists (select 1 from webhooks w where w.id = c.webhook_id)));
  delete from webhook_cursors c where not exists (select 1 from webhooks w where w.id = c.webhook_id);
$function$;
grant execute on function auth_gateway.forget_removed_webhooks() to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.grow_audit_tree(p_size_before bigint, p_tiles jsonb, p_size bigint, p_position bigint, p_root bytea, p_note text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  update audit_tree set size = p_size, position = p_position
  where size = p_size_before and p_size > p_size_before and p_position > position and p_position <= (select h.position from log_horizon h);
  if not found then
    return false;
  end if;
  insert into audit_tiles as t (level, index, hashes, positions, first_position)
  select x.level, x.index, decode(x.hashes, 'hex'), x.positions, x.first_position
  from jsonb_to_recordset(p_tiles) as x(level smallint, index bigint, hashes text, positions bigint[], first_position bigint)
  on conflict (level, index) do update set hashes = excluded.hashes, positions = excluded.positions
  where length(t.hashes) < length(excluded.hashes);
  insert into audit_checkpoints (size, root, position, note) values (p_size, p_root, p_position, p_note);
  return true;
end $function$;
grant execute on function auth_gateway.grow_audit_tree(bigint,jsonb,bigint,bigint,bytea,text) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.hit_rate_limits(p_limits jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  l record;
  v_count integer;
  v_expires timestamptz;
  v_hits timestamptz[];
  v_wait integer := 0;
begin
  for l in
    select x.bucket, x.max, make_interval(secs => x.seconds) as length, x.exact, x.reset
    from jsonb_to_recordset(p_limits) as x(bucket text, seconds int, max int, exact boolean, reset boolean) order by 1
  loop
    if l.reset then
      delete from rate_limits where bucket = l.bucket;
      continue;
    end if;
    insert into rate_limits as r (bucket, count, expires_at, hits)
    values (l.bucket, 1, now() + l.length, case when l.exact then array[now()] end)
    on conflict (bucket) do update set
      count = case when r.expires_at <= now() then 1 when l.exact then cardinality(recent_hits(r.hits, now() - l.length)) + 1
        else r.count + 1 end,
      expires_at = case when l.exact or r.expires_at <= now() then now() + l.length else r.expires_at end,
      hits = case when l.exact is not true then null when r.expires_at <= now() then array[now()]
        else recent_hits(r.hits, now() - l.length) || now() end
    returning r.count, r.expires_at, r.hits into v_count, v_expires, v_hits;
    if v_count > l.max then
      v_expires := case when l.exact then v_hits[v_count - l.max] + l.length else v_expires end;
      v_wait := greatest(v_wait, ceil(extract(epoch from v_expires - now()))::int, 1);
    end if;
  end loop;
  return v_wait;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.is_connection_key(p_event uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  select exists (select 1 from connections c cross join lateral jsonb_array_elements(c.keys) as k
    where c.status <> 'removed' and (k->>'event')::uuid = p_event)
$function$;
grant execute on function auth_gateway.is_connection_key(uuid) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.is_other_client(p_before jsonb, p_after jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (EXISTS (SELECT 1 FROM unnest(ARRAY['client_name'::text, 'redirect_uris'::text, 'jwks'::text, 'jwks_uri'::text, 'token_endpoint_auth_method'::text]) member(member) WHERE ((is_other_client.p_before -> member.member) IS DISTINCT FROM (is_other_client.p_after -> member.member))));

CREATE OR REPLACE FUNCTION auth_gateway.is_rewrapped(p_name text, p_sealed bytea, p_batch integer, p_leaf integer, p_salt bytea)
 RETURNS boolean
 LANGUAGE sql
 STABLE
RETURN (EXISTS (SELECT FROM auth_gateway.rewrapped_batches b WHERE ((b.epoch = auth_gateway.sealed_epoch(is_rewrapped.p_sealed)) AND (b.batch = is_rewrapped.p_batch) AND (SUBSTRING(b.leaves FROM ((is_rewrapped.p_leaf * 32) + 1) FOR 32) = sha256(('\x00'::bytea || sha256(((is_rewrapped.p_salt || convert_to((is_rewrapped.p_name || '
'::text), 'UTF8'::name)) || is_rewrapped.p_sealed))))))));
grant execute on function auth_gateway.is_rewrapped(text,bytea,integer,integer,bytea) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.is_ring_sealed(p_name text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
RETURN (p_name = ANY (ARRAY['private_jwk'::text, 'client_secret'::text, 'private_key'::text, 'signing_secret'::text, 'upstream'::text, 'parameters'::text]));
grant execute on function auth_gateway.is_ring_sealed(text) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.is_way_in(c auth_gateway.credentials)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  select c.digest is not null and (c.kind <> 'external' or c.provider = 'supabase'
    or exists (select 1 from connections x where lower(x.slug) = c.provider and x.status = 'enabled'));
$function$;
grant execute on function auth_gateway.is_way_in(auth_gateway.credentials) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.keep_form_state(p_key bytea, p_sealed bytea, p_expires_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  perform sweep_form_states(4);
  insert into form_states (key, sealed, expires_at) values (p_key, p_sealed, p_expires_at)
  on conflict (key) do update set sealed = excluded.sealed, expires_at = excluded.expires_at;
end $function$;
grant execute on function auth_gateway.keep_form_state(bytea,bytea,timestamp with time zone) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.keep_key_ring(p_root text, p_wrapped bytea, p_keys jsonb)
 RETURNS json
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  insert into key_root (root, wrapped) values (p_root, p_wrapped) on conflict do nothing;
  if found then
    insert into key_ring (id, purpose, epoch, sealed, active_from)
    select k.id, k.purpose, k.epoch, decode(k.sealed, 'base64'), k.active_from
    from jsonb_to_recordset(p_keys) as k(id uuid, purpose text, epoch integer, sealed text, active_from timestamptz);
  end if;
  return read_key_ring();
end $function$;
grant execute on function auth_gateway.keep_key_ring(text,bytea,jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.known_browser(p_uai uuid, p_sessions jsonb)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  return (
    select s.id from auth_gateway.sessions s join auth_gateway.identities i on i.uai = s.uai
    where s.id = any (array(select x::uuid from jsonb_array_elements_text(p_sessions) x)) and i.canonical_uai = p_uai
      and s.end_reason is distinct from 'revoked' and s.started_at > now() - interval '180 days'
    order by s.id desc limit 1);
end $function$;
grant execute on function auth_gateway.known_browser(uuid,jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.known_browser_of(p_digest bytea, p_sessions jsonb)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  return (
    select auth_gateway.known_browser(i.canonical_uai, p_sessions)
    from auth_gateway.credentials c join auth_gateway.identities i on i.uai = c.uai
    where c.kind in ('email', 'phone') and c.digest = p_digest limit 1);
end $function$;
grant execute on function auth_gateway.known_browser_of(bytea,jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.maintain(p_batch integer)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  return jsonb_build_object(
    'partitions', ensure_event_partitions(now(), 4),
    'rateLimits', delete_batch('rate_limits', 'expires_at <= now()', p_batch),
    'replayGuard', delete_batch('replay_guard', 'expires_at <= now()', p_batch),
    'formStates', sweep_form_states(p_batch),
    'eventSecrets', delete_batch('event_secrets', 'expires_at <= now()', p_batch),
    'oldValues', delete_batch('event_secrets',
      'name = ''stored_value'' and not exists (select 1 from stored_keys k where k.value_event = event_id)', p_batch),
    'removedAuthenticators', delete_batch('event_secrets',
      'name = ''totp_secret'' and not exists (select 1 from totp_authenticators a where a.secret_event = event_id)', p_batch),
    'retiredConnectionKeys', delete_batch('event_secrets', 'name = ''private_key'' and not is_connection_key(event_id)', p_batch));
end $function$;
grant execute on function auth_gateway.maintain(integer) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.note_api_key_uses(p_uses jsonb)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  insert into api_key_activity as a (key_id, last_used_at)
  select u.key_id, now() from jsonb_to_recordset(p_uses) as u(key_id uuid) order by 1
  on conflict (key_id) do update set last_used_at = excluded.last_used_at;
  insert into api_key_usage as d (key_id, day, uses)
  select u.key_id, (now() at time zone 'UTC')::date, u.uses from jsonb_to_recordset(p_uses) as u(key_id uuid, uses int) order by 1
  on conflict (key_id, day) do update set uses = d.uses + excluded.uses;
$function$;
grant execute on function auth_gateway.note_api_key_uses(jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.note_checkpoint_published(p_size bigint)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  update audit_checkpoints set published_at = now() where size <= p_size and published_at is null
$function$;
grant execute on function auth_gateway.note_checkpoint_published(bigint) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.note_client_document(p_client_id uuid, p_seconds integer)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  insert into client_documents (client_id, fetched_at, fresh_until) values (p_client_id, now(), now() + make_interval(secs => p_seconds))
  on conflict (client_id) do update set fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until
$function$;
grant execute on function auth_gateway.note_client_document(uuid,integer) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.note_stored_key_read(p_id uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  insert into stored_key_reads as r (key_id, reads) values (p_id, 1) on conflict (key_id) do update set reads = r.reads + 1
$function$;
grant execute on function auth_gateway.note_stored_key_read(uuid) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.open_to_application()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  t regclass;
begin
  for t in
    select c.oid::regclass from pg_class c
    where c.relnamespace = 'auth_gateway'::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format('alter table %s enable row level security', t);
    execute format('drop policy if exists application_reads on %s', t);
    execute format('create policy application_reads on %s for select to auth_gateway_app using (true)', t);
    if not (select relispartition from pg_class where oid = t) then
      execute format('grant select on %s to auth_gateway_app', t);
    end if;
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_access_token_revocation(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'AccessTokenRevoked' then
      insert into access_token_revocations (jti, family_id, expires_at)
      values (e.data->>'jti', e.stream_id, (e.data->>'expiresAt')::timestamptz);
    when 'TokenFamilyStarted', 'RefreshTokenRotated', 'RefreshTokenReplayed', 'TokenFamilyRevoked' then
      null;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_agent_delegation(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'AgentDelegated' then
      insert into agent_delegations (id, uai, client_id, scopes, resources, expires_at, created_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, (e.data->>'clientId')::uuid,
        array(select jsonb_array_elements_text(e.data->'scopes')), array(select jsonb_array_elements_text(e.data->'resources')),
        (e.data->>'expiresAt')::timestamptz, e.recorded_at, e.version);
    when 'AgentDelegationEnded' then
      update agent_delegations set ended_at = e.recorded_at, end_reason = e.data->>'reason', version = e.version
      where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_api_client(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'ClientRegistered' then
      insert into api_clients (id, client_id, status, first_party, account_access, origin, metadata, secrets,
        registration_token_hash, sharing_key, created_at, identity_changed_at, version)
      values (e.stream_id, e.data->>'clientId', 'active', (e.data->>'firstParty')::boolean,
        coalesce(e.data->>'accountAccess', 'none'), e.data->>'origin', e.data->'metadata',
        case when e.data->>'secretHash' is null then '[]' else jsonb_build_array(jsonb_build_object('hash', e.data->>'secretHash')) end,
        e.data->>'registrationTokenHash', e.data->>'sharingKey', e.recorded_at, e.recorded_at, e.version);
    when 'ClientShared' then
      update api_clients set registration_token_hash = null, version = e.version where id = e.stream_id;
    when 'ClientUpdated' then
      update api_clients set metadata = e.data->'metadata', sharing_key = null, version = e.version, identity_changed_at = case
        when is_other_client(metadata, e.data->'metadata') then e.recorded_at else identity_changed_at end
      where id = e.stream_id;
    when 'ClientAccountAccessChanged' then
      update api_clients set account_access = e.data->>'accountAccess', version = e.version where id = e.stream_id;
    when 'ClientSecretRotated' then
      update api_clients set secrets = e.data->'secrets', version = e.version where id = e.stream_id;
    when 'ClientSuspended' then
      update api_clients set status = 'suspended', sharing_key = null, version = e.version where id = e.stream_id;
    when 'ClientReinstated' then
      update api_clients set status = 'active', version = e.version where id = e.stream_id;
    when 'ClientDeleted' then
      update api_clients set status = 'deleted', secrets = '[]', registration_token_hash = null, sharing_key = null, version = e.version
      where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_api_key(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  s jsonb := e.data->'settings';
begin
  case e.event_type
    when 'ApiKeyCreated' then
      insert into api_keys (id, owner_type, owner_id, organization_id, created_by, origin, parent_id, ancestors, application, status,
        name, description, name_digest, preview, scopes, access_level, key_context, service, service_scopes, binding, limits, networks,
        consumer, expires_at, created_at, version)
      values (e.stream_id, e.data->>'ownerType', (e.data->>'ownerId')::uuid, (e.data->>'organizationId')::uuid,
        (e.data->>'createdBy')::uuid, e.data->>'origin', (e.data->>'parent')::uuid,
        coalesce((select p.ancestors || p.id from api_keys p where p.id = (e.data->>'parent')::uuid), '{}'),
        (e.data->>'application')::uuid, 'active', e.data->'sealed'->>'name', e.data->'sealed'->>'description',
        (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'api_key_name'), e.data->>'preview',
        array(select jsonb_array_elements_text(s->'scopes')), s->>'accessLevel', s->>'keyContext', s->>'service',
        s->'serviceScopes', s->'binding', s->'limits', array(select jsonb_array_elements_text(s->'networks'))::inet[],
        s->>'consumer', (s->>'expiresAt')::timestamptz, e.recorded_at, e.version);
    when 'ApiKeyUpdated' then
      update api_keys set name = e.data->'sealed'->>'name', description = e.data->'sealed'->>'description',
        name_digest = (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'api_key_name'),
        scopes = array(select jsonb_array_elements_text(s->'scopes')), access_level = s->>'accessLevel',
        key_context = s->>'keyContext', service = s->>'service', service_scopes = s->'serviceScopes', binding = s->'binding',
        limits = s->'limits', networks = array(select jsonb_array_elements_text(s->'networks'))::inet[], consumer = s->>'consumer',
        expires_at = (s->>'expiresAt')::timestamptz, version = e.version
      where id = e.stream_id;
    when 'ApiKeyNarrowed' then
      update api_keys set scopes = array(select jsonb_array_elements_text(s->'scopes')), access_level = s->>'accessLevel',
        service = s->>'service', service_scopes = s->'serviceScopes', binding = s->'binding', limits = s->'limits',
        networks = array(select jsonb_array_elements_text(s->'networks'))::inet[], expires_at = (s->>'expiresAt')::timestamptz,
        version = e.version
      where id = e.stream_id;
    when 'ApiKeyChildCreated' then
      update api_keys set version = e.version where id = e.stream_id;
    when 'ApiKeyRotated' then
      update api_keys set status = 'active', preview = e.data->>'preview', rotations = rotations + 1, rotated_at = e.recorded_at,
        expires_at = coalesce((e.data->>'expiresAt')::timestamptz, expires_at),
        notice_event = null, notice_kind = null, ended_at = null, end_reason = null, version = e.version
      where id = e.stream_id;
    when 'ApiKeyRevoked' then
      update api_keys set status = 'revoked', ended_at = e.recorded_at, end_reason = e.data->>'reason', version = e.version
      where id = e.stream_id;
    when 'ApiKeyQuarantined' then
      update api_keys set status = 'quarantined', ended_at = e.recorded_at, end_reason = e.data->>'reason',
        notice_event = e.event_id, notice_kind = 'api_key_leaked', version = e.version
      where id = e.stream_id;
    when 'ApiKeyLeakReported' then
      update api_keys set notice_event = e.event_id, notice_kind = 'api_key_leaked', version = e.version where id = e.stream_id;
    when 'ApiKeyExpiryWarned' then
      update api_keys set notice_event = e.event_id, notice_kind = 'api_key_expiring',
        warned_of = (e.data->>'expiresAt')::timestamptz, version = e.version
      where id = e.stream_id;
    when 'ApiKeyOwnerNotified' then
      update api_keys set version = e.version,
        notice_event = case when notice_event::text = e.data->>'messageId' then null else notice_event end,
        notice_kind = case when notice_event::text = e.data->>'messageId' then null else notice_kind end
      where id = e.stream_id;
    when 'ApiKeyDeleted' then
      update api_keys set status = 'deleted', name = null, description = null, name_digest = null, notice_event = null,
        notice_kind = null, ended_at = e.recorded_at, end_reason = e.data->>'reason', version = e.version
      where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_api_key_secret(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'ApiKeyCreated' then
      insert into api_key_secrets (hash, key_id) values (e.data->>'secretHash', e.stream_id);
    when 'ApiKeyRotated' then
      if e.data ? 'previousExpiresAt' then
        delete from api_key_secrets where key_id = e.stream_id and expires_at is not null;
        update api_key_secrets set expires_at = (e.data->>'previousExpiresAt')::timestamptz where key_id = e.stream_id;
      else
        delete from api_key_secrets where key_id = e.stream_id;
      end if;
      insert into api_key_secrets (hash, key_id) values (e.data->>'secretHash', e.stream_id);
    when 'ApiKeyDeleted' then
      delete from api_key_secrets where key_id = e.stream_id;
    when 'ApiKeyUpdated', 'ApiKeyNarrowed', 'ApiKeyChildCreated', 'ApiKeyRevoked', 'ApiKeyQuarantined', 'ApiKeyLeakReported',
      'ApiKeyExpiryWarned', 'ApiKeyOwnerNotified' then
      null;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_archive(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'EventsArchived' then
      insert into archives (id, month, events, streams, ended_by, file, sha256, positions_sha256, archived_at, version)
      values (e.stream_id, (e.data->>'month' || '-01')::date, (e.data->>'events')::integer, (e.data->>'streams')::integer,
        (e.data->>'endedBy')::timestamptz, e.data->>'file', e.data->>'sha256', e.data->>'positionsSha256', e.recorded_at, e.version);
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_audit_log(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'AuditLogBegun' then
      insert into audit_log (id, origin, begun_at, version) values (e.stream_id, e.data->>'origin', e.recorded_at, e.version);
    when 'AuditLogOriginChanged', 'AuditLogRestored' then
      update audit_log set origin = e.data->>'origin', version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_authorization(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_request jsonb;
begin
  case e.event_type
    when 'AuthorizationRequested', 'AuthorizationGranted' then
      v_request := case e.event_type when 'AuthorizationRequested' then e.data else e.data->'request' end;
      if v_request is not null then
        insert into authorizations (id, client_id, uai, session_id)
        values (e.stream_id, (v_request->>'clientId')::uuid, (v_request->>'uai')::uuid, (v_request->>'sessionId')::uuid)
        -- A pushed request comes again when its page is loaded again, perhaps by another person.
        on conflict (id) do update set uai = excluded.uai, session_id = excluded.session_id;
      end if;
    when 'AuthorizationCodeShown' then
      update authorizations set paste_hash = e.data->>'pasteHash' where id = e.stream_id;
    when 'AuthorizationPushed', 'PushedAuthorizationOpened', 'AuthorizationDenied', 'AuthorizationCodeRedeemed',
      'AuthorizationCodeRefused', 'AuthorizationCodeReplayed' then
      null;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_connection(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'ConnectionAdded' then
      insert into connections (id, slug, status, settings, secret_event, added_at, version)
      values (e.stream_id, e.data->'settings'->>'slug', 'enabled', e.data->'settings', e.event_id, e.recorded_at, e.version);
    when 'ConnectionChanged' then
      update connections set settings = e.data->'settings', slug = e.data->'settings'->>'slug', version = e.version where id = e.stream_id;
    when 'ConnectionSecretReplaced' then
      update connections set secret_event = e.event_id, version = e.version where id = e.stream_id;
    when 'ConnectionKeyAdded' then
      update connections set keys = keys || jsonb_build_object('id', e.data->'keyId', 'status', 'next', 'certificate', e.data->'certificate',
        'event', e.event_id), version = e.version where id = e.stream_id;
    when 'ConnectionKeyActivated' then
      update connections set version = e.version, keys = (
        select jsonb_agg(case when k->>'id' = e.data->>'keyId' then jsonb_set(k, '{status}', '"active"')
          when k->>'status' = 'active' then jsonb_set(k, '{status}', '"previous"') else k end order by n)
        from jsonb_array_elements(keys) with ordinality as t(k, n)) where id = e.stream_id;
    when 'ConnectionKeyRetired' then
      update connections set version = e.version, keys = coalesce((
        select jsonb_agg(k order by n) from jsonb_array_elements(keys) with ordinality as t(k, n)
        where k->>'id' <> e.data->>'keyId'), '[]') where id = e.stream_id;
    when 'ConnectionDisabled' then
      update connections set status = 'disabled', version = e.version where id = e.stream_id;
    when 'ConnectionEnabled' then
      update connections set status = 'enabled', version = e.version where id = e.stream_id;
    when 'ConnectionRemoved' then
      update connections set status = 'removed', version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_consent(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'ConsentGranted' then
      insert into consents as c (id, uai, client_id, scopes, resources, granted_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, (e.data->>'clientId')::uuid,
        array(select jsonb_array_elements_text(e.data->'scopes')), array(select jsonb_array_elements_text(e.data->'resources')),
        e.recorded_at, e.version)
      on conflict (id) do update set scopes = excluded.scopes, resources = excluded.resources, granted_at = excluded.granted_at,
        withdrawn_at = null, version = excluded.version;
    when 'ConsentWithdrawn' then
      update consents set scopes = '{}', resources = '{}', withdrawn_at = e.recorded_at, version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_credential(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'CredentialLinked' then
      insert into credentials (id, uai, kind, provider, digest, address, verified, evidence, linked_at)
      values ((e.data->>'credentialId')::uuid, e.stream_id, e.data->>'kind', e.data->>'provider',
        (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = e.data->>'kind'),
        e.data->'sealed'->>'address', (e.data->>'verified')::boolean, e.data->'evidence', e.recorded_at);
    when 'CredentialUnlinked' then
      delete from credentials where id = (e.data->>'credentialId')::uuid;
    when 'IdentityErased' then
      delete from credentials where uai = e.stream_id;
    when 'IdentityCreated', 'IdentitySuspended', 'IdentityReinstated', 'IdentityMerged', 'IdentityAbsorbed', 'IdentitySplit',
      'IdentityReleased', 'IdentityChanged' then
      null;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_device_authorization(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'DeviceAuthorizationRequested' then
      insert into device_authorizations (id, client_id, user_code_hash, status, scope, resources, origin, requested_at, expires_at, version)
      values (e.stream_id, (e.data->>'clientId')::uuid, e.data->>'userCodeHash', 'pending',
        array(select jsonb_array_elements_text(e.data->'scope')), array(select jsonb_array_elements_text(e.data->'resources')),
        e.data->'sealed'->>'origin', e.recorded_at, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'DeviceAuthorizationOpened' then
      update device_authorizations set session_id = (e.data->>'sessionId')::uuid, version = e.version where id = e.stream_id;
    when 'DeviceAuthorizationApproved' then
      update device_authorizations set status = 'approved', session_id = (e.data->>'sessionId')::uuid, uai = (e.data->>'uai')::uuid,
        version = e.version
      where id = e.stream_id;
    when 'DeviceAuthorizationDenied' then
      update device_authorizations set status = 'denied', version = e.version where id = e.stream_id;
    when 'DevicePollingSlowed' then
      update device_authorizations set version = e.version where id = e.stream_id;
    when 'DeviceCodeRedeemed' then
      update device_authorizations set status = 'redeemed', version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_event()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  -- The most frequent first.
  case new.stream_type
    when 'session' then perform project_session(new);
    when 'token_family' then perform project_access_token_revocation(new); perform project_token_family(new);
    when 'authorization' then perform project_authorization(new);
    when 'otp_challenge' then perform project_otp_challenge(new);
    when 'message' then perform project_message(new);
    when 'device_authorization' then perform project_device_authorization(new);
    when 'api_key' then perform project_api_key(new); perform project_api_key_secret(new);
    when 'identity' then perform project_credential(new); perform project_identity(new);
    when 'organization' then perform project_organization(new);
    when 'api_client' then perform project_api_client(new);
    when 'protected_resource' then perform project_protected_resource(new);
    when 'consent' then perform project_consent(new);
    when 'signing_key' then perform project_signing_key(new);
    when 'project' then perform project_project(new);
    when 'stored_key' then perform project_stored_key(new);
    when 'refused_request' then perform project_refused_request(new);
    when 'record_read' then null; -- read from the log alone
    when 'key_ring' then null; -- the same
    when 'connection' then perform project_connection(new);
    when 'agent_delegation' then perform project_agent_delegation(new);
    when 'hook' then perform project_hook(new);
    when 'hook_call' then perform project_hook_call(new);
    when 'suppression' then perform project_suppression(new);
    when 'sms_breaker' then perform project_sms_breaker(new);
    when 'totp_authenticator' then perform project_totp_authenticator(new);
    when 'passkey' then perform project_passkey(new);
    when 'recovery_codes' then perform project_recovery_codes(new);
    when 'operator_code' then perform project_operator_code(new);
    when 'pending_sign_in' then perform project_pending_sign_in(new);
    when 'remembered_device' then perform project_remembered_device(new);
    when 'sign_in_place' then perform project_sign_in_place(new);
    when 'webhook' then perform project_webhook(new);
    when 'archive' then perform project_archive(new);
    when 'audit_log' then perform project_audit_log(new);
  end case; -- no else: an event without a projector fails the append
  return null;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_hook(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'HookAdded' then
      insert into hooks (id, settings, secret_event, added_at, version)
      values (e.stream_id, e.data->'settings', e.event_id, e.recorded_at, e.version);
    when 'HookSecretReplaced' then
      update hooks set secret_event = e.event_id, version = e.version where id = e.stream_id;
    when 'HookRemoved' then
      delete from hooks where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_hook_call(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'HookCalled' then
      insert into hook_calls (id, hook_id, point, outcome, decision, claims, failure, milliseconds, uai, called_at)
      values (e.stream_id, (e.data->>'hookId')::uuid, e.data->>'point', e.data->>'outcome', e.data->>'decision',
        case when e.data ? 'claims' then array(select jsonb_array_elements_text(e.data->'claims')) end, e.data->>'failure',
        (e.data->>'milliseconds')::integer, e.subject, e.recorded_at);
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_identity(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'IdentityCreated' then
      insert into identities (uai, status, role, plan, organization_id, locale, name, canonical_uai, members, organizations,
        created_at, version)
      values (e.stream_id, 'active', e.data->>'role', e.data->>'plan', (e.data->>'organizationId')::uuid, e.data->>'locale',
        e.data->'sealed'->>'name', e.stream_id, array[e.stream_id], array[(e.data->>'organizationId')::uuid], e.recorded_at, e.version);
    when 'CredentialLinked', 'CredentialUnlinked' then
      update identities i set version = e.version, emails = n.emails, email = m.main->>'address',
        email_verified = coalesce((m.main->>'verified')::boolean, false)
      from (select case
          when e.event_type = 'CredentialUnlinked' then coalesce((select jsonb_agg(x order by n)
            from jsonb_array_elements(o.emails) with ordinality as t(x, n) where x->>'id' <> e.data->>'credentialId'), '[]')
          when e.data->>'kind' = 'email' then o.emails || jsonb_build_array(jsonb_build_object('id', e.data->>'credentialId',
            'address', e.data->'sealed'->>'address', 'verified', e.data->'verified'))
          else o.emails end as emails
        from identities o where o.uai = e.stream_id) as n
      cross join lateral (select coalesce((select x from jsonb_array_elements(n.emails) with ordinality as t(x, n)
        where (x->>'verified')::boolean order by t.n limit 1), n.emails->0) as main) as m
      where i.uai = e.stream_id;
    when 'IdentityChanged' then
      update identities set role = coalesce(e.data->>'role', role), plan = coalesce(e.data->>'plan', plan),
        locale = coalesce(e.data->>'locale', locale), name = coalesce(e.data->'sealed'->>'name', name),
        organization_id = coalesce((e.data->>'organizationId')::uuid, organization_id), version = e.version,
        passkey_offer_declined = passkey_offer_declined or e.data ? 'passkeyOffer',
        standing = standing + (e.data ?| array['role', 'organizationId'])::integer
      where uai = e.stream_id;
      perform regroup_identity(e.stream_id);
    when 'IdentityMerged' then
      update identities set merged_into = (e.data->>'into')::uuid, standing = standing + 1, version = e.version where uai = e.stream_id;
      perform regroup_identity(e.stream_id);
    when 'IdentitySplit' then
      update identities set merged_into = null, standing = standing + 1, version = e.version where uai = e.stream_id;
      perform regroup_identity(e.stream_id);
      perform regroup_identity((e.data->>'from')::uuid);
    when 'IdentityAbsorbed', 'IdentityReleased' then
      update identities set standing = standing + 1, version = e.version where uai = e.stream_id;
    when 'IdentitySuspended' then
      update identities set status = 'suspended', standing = standing + 1, version = e.version where uai = e.stream_id;
    when 'IdentityReinstated' then
      update identities set status = 'active', standing = standing + 1, version = e.version where uai = e.stream_id;
    when 'IdentityErased' then
      update identities set status = 'erased', name = null, emails = '[]', email = null, email_verified = false, locale = null,
        standing = standing + 1, version = e.version where uai = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_message(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'MessageQueued' then
      insert into messages (id, channel, template, uai, status, queued_at, version)
      values (e.stream_id, e.data->>'channel', e.data->>'template', (e.data->>'uai')::uuid, 'queued', e.recorded_at, e.version);
    when 'MessageAccepted' then
      update messages set status = case when status in ('queued', 'failed', 'unconfirmed') then 'accepted' else status end,
        provider = e.data->>'provider', provider_id = e.data->>'providerId', attempts = (e.data->>'attempts')::integer,
        reason = case when status in ('queued', 'failed', 'unconfirmed') then null else reason end, version = e.version where id = e.stream_id;
    when 'MessageFailed' then
      update messages set status = 'failed', reason = e.data->>'reason', retryable = (e.data->>'retryable')::boolean,
        attempts = (e.data->>'attempts')::integer, settled_at = e.recorded_at, version = e.version where id = e.stream_id;
    when 'MessageUnconfirmed' then
      update messages set status = 'unconfirmed', version = e.version where id = e.stream_id;
    when 'MessageDelayed' then
      update messages set status = 'delayed', reason = e.data->>'reason', version = e.version where id = e.stream_id;
    when 'MessageDelivered' then
      update messages set status = 'delivered', reason = null, settled_at = e.recorded_at, version = e.version where id = e.stream_id;
    when 'MessageBounced' then
      update messages set status = 'bounced', reason = e.data->>'reason', settled_at = e.recorded_at, version = e.version
      where id = e.stream_id;
    when 'MessageComplained' then
      update messages set status = 'complained', settled_at = e.recorded_at, version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_operator_code(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'OperatorCodeRequested' then
      insert into operator_codes (id, uai, status, operator, standing, reason, part_hashes, requested_at, expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, case when (e.data->>'needsSecond')::boolean then 'waiting' else 'ready' end,
        (e.data->>'operator')::uuid, (e.data->>'standing')::integer, e.data->'sealed'->>'reason',
        array[e.data->>'partHash'], e.recorded_at, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'OperatorCodeApproved' then
      update operator_codes set status = 'ready', second_operator = (e.data->>'operator')::uuid,
        part_hashes = part_hashes || (e.data->>'partHash'), expires_at = (e.data->>'expiresAt')::timestamptz, version = e.version
      where id = e.stream_id;
    when 'OperatorCodeRevoked' then
      update operator_codes set status = 'revoked', version = e.version where id = e.stream_id;
    when 'OperatorCodeRefused' then
      update operator_codes set attempts = (e.data->>'attempt')::integer, version = e.version,
        status = case when (e.data->>'attempt')::integer >= 10000 then 'locked' else status end
      where id = e.stream_id;
    when 'OperatorCodeUsed' then
      update operator_codes set status = 'used', version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_organization(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'OrganizationCreated' then
      insert into organizations (id, kind, owner, created_at, version)
      values (e.stream_id, e.data->>'kind', (e.data->>'owner')::uuid, e.recorded_at, e.version);
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_otp_challenge(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'OtpChallengeIssued' then
      insert into otp_challenges (id, channel, country, status, issued_at, expires_at, version)
      values (e.stream_id, e.data->>'channel', e.data->>'country', 'open', e.recorded_at, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'OtpDeliveryFailed' then
      update otp_challenges set status = 'undelivered', reason = e.data->>'reason', version = e.version where id = e.stream_id;
    when 'OtpAttemptFailed' then
      update otp_challenges set attempts = (e.data->>'attempt')::integer, version = e.version where id = e.stream_id;
    when 'OtpChallengeLocked' then
      update otp_challenges set status = 'locked', reason = e.data->>'reason', version = e.version where id = e.stream_id;
    when 'OtpChallengeReplaced' then
      update otp_challenges set status = 'replaced', version = e.version where id = e.stream_id;
    when 'OtpChallengeConsumed' then
      update otp_challenges set status = 'consumed', version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_passkey(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'PasskeyRegistered' then
      insert into passkeys (id, uai, digest, rp_id, aaguid, transports, backup_eligible, backed_up, sign_count, sealed, registered_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid,
        (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'passkey'),
        e.data->>'rpId', (e.data->>'aaguid')::uuid, array(select jsonb_array_elements_text(e.data->'transports')),
        (e.data->>'backupEligible')::boolean, (e.data->>'backedUp')::boolean, (e.data->>'signCount')::bigint,
        coalesce(e.data->'sealed', '{}'), e.recorded_at, e.version);
    when 'PasskeyUsed' then
      update passkeys set sign_count = (e.data->>'signCount')::bigint, backed_up = (e.data->>'backedUp')::boolean,
        last_used_at = e.recorded_at, version = e.version
      where id = e.stream_id;
    when 'PasskeyCounterRegressed' then
      update passkeys set regressed_at = e.recorded_at, version = e.version where id = e.stream_id;
    when 'PasskeyRenamed' then
      update passkeys set sealed = sealed || coalesce(e.data->'sealed', '{}'), version = e.version where id = e.stream_id;
    when 'PasskeyRemoved' then
      update passkeys set digest = null, sealed = null, version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_pending_sign_in(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'SecondFactorRequired' then
      insert into pending_sign_ins (id, uai, method, required_at, expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, e.data->>'method', e.recorded_at, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'SecondFactorPresented' then
      update pending_sign_ins set completed = true, version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_project(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_members uuid[] := array(select jsonb_array_elements_text(e.data->'members'))::uuid[];
  v_digest bytea := (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'project_name');
begin
  case e.event_type
    when 'ProjectCreated' then
      insert into projects (id, owner_id, organization_id, members, status, details, name_digest, created_at, updated_at, version)
      values (e.stream_id, (e.data->>'ownerId')::uuid, (e.data->>'organizationId')::uuid, v_members, 'active',
        e.data->'sealed'->>'details', v_digest, e.recorded_at, e.recorded_at, e.version);
    when 'ProjectUpdated' then
      update projects set members = v_members, details = e.data->'sealed'->>'details', name_digest = v_digest,
        updated_at = e.recorded_at, version = e.version
      where id = e.stream_id;
    when 'ProjectDeleted' then
      update projects set status = 'deleted', members = '{}', details = null, name_digest = null, updated_at = e.recorded_at,
        version = e.version
      where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_protected_resource(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'ProtectedResourceRegistered' then
      insert into protected_resources (id, identifier, name, scopes, is_default, supabase, version)
      values (e.stream_id, e.data->>'identifier', e.data->>'name', array(select jsonb_array_elements_text(e.data->'scopes')),
        (e.data->>'isDefault')::boolean, e.data->'supabase', e.version);
    when 'ProtectedResourceChanged' then
      update protected_resources set name = e.data->>'name', scopes = array(select jsonb_array_elements_text(e.data->'scopes')),
        version = e.version where id = e.stream_id;
    when 'ProtectedResourceRemoved' then
      delete from protected_resources where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_recovery_codes(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'RecoveryCodesIssued' then
      insert into recovery_codes (id, uai, code_hashes, issued_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, array(select jsonb_array_elements_text(e.data->'codeHashes')), e.recorded_at, e.version);
    when 'RecoveryCodeUsed' then
      update recovery_codes set code_hashes = array_remove(code_hashes, e.data->>'codeHash'), version = e.version where id = e.stream_id;
    when 'RecoveryCodeRefused' then
      update recovery_codes set version = e.version where id = e.stream_id;
    when 'RecoveryCodesReplaced' then
      update recovery_codes set replaced = true, code_hashes = '{}', version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_refused_request(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'RequestRefused' then
      insert into refused_requests (id, method, route, refusal, reason, uai, client_id, credential_id, target, refused_at)
      values (e.stream_id, e.data->>'method', e.data->>'route', e.data->>'refusal', e.data->>'reason', nullif(e.subject, e.stream_id),
        e.data->>'clientId', (e.data->>'credentialId')::uuid, e.data->>'target', e.recorded_at);
    when 'RefusalsCounted' then
      insert into refused_requests (id, uai, client_id, count, refused_at)
      values (e.stream_id, nullif(e.subject, e.stream_id), e.data->>'clientId', (e.data->>'count')::integer, e.recorded_at);
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_remembered_device(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'DeviceRemembered' then
      insert into remembered_devices (id, uai, key_hash, user_agent, remembered_at, expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, e.data->>'keyHash', e.data->'sealed'->>'userAgent', e.recorded_at,
        (e.data->>'expiresAt')::timestamptz, e.version);
    when 'DeviceForgotten' then
      update remembered_devices set forgotten = true, version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_session(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'SessionStarted' then
      insert into sessions (id, uai, client_id, platform, project_scope, method, opened_from, connection_id, amr, acr, handle_hash, origin,
        started_at, idle_seconds, expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, (e.data->>'clientId')::uuid, e.data->>'platform', e.data->>'projectScope',
        e.data->>'method', (e.data->>'openedFrom')::uuid,
        case when e.data->'provenBy'->>'type' = 'connection' then (e.data->'provenBy'->>'id')::uuid end,
        array(select jsonb_array_elements_text(e.data->'amr')), e.data->>'acr', e.data->>'handleHash', e.metadata->>'origin',
        (e.data->>'authenticatedAt')::timestamptz, (e.data->>'idleSeconds')::integer, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'SessionSteppedUp' then
      update sessions set stepped_up_at = (e.data->>'at')::timestamptz, acr = e.data->>'acr',
        amr = array(select jsonb_array_elements_text(e.data->'amr')), handle_hash = e.data->>'handleHash', version = e.version
      where id = e.stream_id;
    when 'SessionRecovered' then
      update sessions set recovered_at = (e.data->>'at')::timestamptz, handle_hash = e.data->>'handleHash', version = e.version
      where id = e.stream_id;
    when 'SessionWeakened' then
      update sessions set stepped_up_at = (e.data->>'steppedUpAt')::timestamptz, acr = e.data->>'acr', weakened_at = e.recorded_at,
        amr = array(select jsonb_array_elements_text(e.data->'amr')), version = e.version
      where id = e.stream_id;
    when 'SessionEnded' then
      update sessions set ended_at = e.recorded_at, end_reason = e.data->>'reason', version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_sign_in_place(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'SignInPlaceSeen' then
      insert into sign_in_places (id, uai, digest, session_id, seen_at, browser, network, first_seen_at, noticed_at, link_hash,
        link_expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid,
        (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'sign_in_place'),
        (e.data->>'sessionId')::uuid, e.data->>'seenAt', e.data->'sealed'->>'browser', e.data->'sealed'->>'network', e.recorded_at,
        (e.data->'notice'->>'at')::timestamptz, e.data->'notice'->>'linkHash', (e.data->'notice'->>'linkExpiresAt')::timestamptz,
        e.version);
    when 'SignInDisowned' then
      update sign_in_places set digest = null, disowned_at = e.recorded_at, version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_signing_key(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'SigningKeyCreated' then
      insert into signing_keys (id, kid, alg, public_jwk, resource_id, created_by, active_from, version)
      values (e.stream_id, e.data->>'kid', e.data->>'alg', e.data->'publicJwk', (e.data->>'resourceId')::uuid, e.event_id,
        (e.data->>'activeFrom')::timestamptz, e.version);
    when 'SigningKeyRetired' then
      update signing_keys set expires_at = (e.data->>'expiresAt')::timestamptz, version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_sms_breaker(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'SmsBreakerTripped' then
      insert into sms_breakers (id, country, cause, sent, entered, until, tripped_at, version)
      values (e.stream_id, e.data->>'country', e.data->>'cause', (e.data->>'sent')::integer, (e.data->>'entered')::integer,
        coalesce((e.data->>'until')::timestamptz, 'infinity'), e.recorded_at, e.version);
    when 'SmsBreakerLifted' then
      update sms_breakers set lifted_at = e.recorded_at, version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_stored_key(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_digest bytea := (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'stored_key_name');
begin
  case e.event_type
    when 'StoredKeyAdded' then
      insert into stored_keys (id, project_id, organization_id, created_by, details, name_digest, key_type, environment, access_level,
        status, rotation_frequency, expires_at, value_event, created_at, updated_at, version)
      values (e.stream_id, (e.data->>'projectId')::uuid, (e.data->>'organizationId')::uuid, (e.data->>'createdBy')::uuid,
        e.data->'sealed'->>'details', v_digest, e.data->>'keyType', e.data->>'environment', e.data->>'accessLevel', e.data->>'status',
        e.data->>'rotationFrequency', (e.data->>'expiresAt')::timestamptz, e.event_id, e.recorded_at, e.recorded_at, e.version);
    when 'StoredKeyUpdated' then
      update stored_keys set details = e.data->'sealed'->>'details', name_digest = v_digest, key_type = e.data->>'keyType',
        environment = e.data->>'environment', access_level = e.data->>'accessLevel', status = e.data->>'status',
        rotation_frequency = e.data->>'rotationFrequency', expires_at = (e.data->>'expiresAt')::timestamptz,
        updated_at = e.recorded_at, version = e.version
      where id = e.stream_id;
    when 'StoredKeyValueReplaced' then
      update stored_keys set value_event = e.event_id, last_rotated = e.recorded_at, updated_at = e.recorded_at, version = e.version
      where id = e.stream_id;
    when 'StoredKeyRemoved' then
      update stored_keys set removed = true, details = null, name_digest = null, value_event = null, updated_at = e.recorded_at,
        version = e.version
      where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_suppression(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'AddressSuppressed' then
      insert into suppressions (id, channel, cause, reason, message_id, suppressed_at, version)
      values (e.stream_id, e.data->>'channel', e.data->>'cause', e.data->>'reason', (e.data->>'messageId')::uuid, e.recorded_at, e.version);
    when 'SuppressionLifted' then
      update suppressions set lifted_at = e.recorded_at, version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_token_family(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'TokenFamilyStarted' then
      insert into token_families (id, kind, uai, client_id, session_id, authorization_id, api_key_id, api_key_rotations,
        agent_delegation_id, confirmation, actor, acr, amr, authenticated_at, ancestors, ancestor_tokens, scope, resources, offline,
        refresh_hash, refresh_expires_at, expires_at, started_at, version)
      values (e.stream_id, e.data->>'kind', (e.data->>'uai')::uuid, (e.data->>'clientId')::uuid, (e.data->>'sessionId')::uuid,
        (e.data->>'authorizationId')::uuid, (e.data->'apiKey'->>'id')::uuid, (e.data->'apiKey'->>'rotations')::integer,
        (e.data->>'agentDelegation')::uuid, e.data->'confirmation', e.data->'actor', e.data->'authentication'->>'acr',
        case when e.data ? 'authentication' then array(select jsonb_array_elements_text(e.data->'authentication'->'amr')) end,
        (e.data->'authentication'->>'at')::timestamptz, array(select jsonb_array_elements_text(e.data->'ancestors'))::uuid[],
        array(select jsonb_array_elements_text(e.data->'ancestorTokens')), array(select jsonb_array_elements_text(e.data->'scope')),
        array(select jsonb_array_elements_text(e.data->'resources')), (e.data->>'offline')::boolean, e.data->>'refreshHash',
        (e.data->>'refreshExpiresAt')::timestamptz, (e.data->>'expiresAt')::timestamptz, e.recorded_at, e.version);
    when 'RefreshTokenRotated' then
      update token_families set refresh_hash = e.data->>'refreshHash', previous_hash = e.data->>'previousHash',
        generation = (e.data->>'generation')::integer, rotated_at = (e.data->>'rotatedAt')::timestamptz, rotation_event = e.event_id,
        refresh_expires_at = (e.data->>'refreshExpiresAt')::timestamptz, version = e.version
      where id = e.stream_id;
    when 'RefreshTokenReplayed', 'AccessTokenRevoked' then
      update token_families set version = e.version where id = e.stream_id;
    when 'TokenFamilyRevoked' then
      update token_families set revoked_at = e.recorded_at, revoke_reason = e.data->>'reason', version = e.version
      where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_totp_authenticator(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'TotpEnrolled' then
      insert into totp_authenticators (id, uai, last_step, secret_event, enrolled_at, last_used_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, (e.data->>'step')::bigint, e.event_id, e.recorded_at, e.recorded_at, e.version);
    when 'TotpCodeAccepted' then
      update totp_authenticators set last_step = (e.data->>'step')::bigint, failures = default, last_used_at = e.recorded_at,
        version = e.version
      where id = e.stream_id;
    when 'TotpCodeRefused' then
      update totp_authenticators set failures = failures || jsonb_build_object(e.data->>'purpose', e.data->'failures'),
        version = e.version where id = e.stream_id;
    when 'TotpRemoved' then
      update totp_authenticators set secret_event = null, version = e.version where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.project_webhook(e auth_gateway.event_store)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  case e.event_type
    when 'WebhookAdded' then
      insert into webhooks (id, settings, organization_id, status, secret_event, delivered_after, delivered_since, added_at, version)
      values (e.stream_id, e.data->'settings', (e.data->>'organizationId')::uuid, 'active', e.event_id, e.position, e.position,
        e.recorded_at, e.version);
    when 'WebhookChanged' then
      update webhooks set settings = e.data->'settings', version = e.version where id = e.stream_id;
    when 'WebhookSecretReplaced' then
      update webhooks set secret_event = e.event_id, version = e.version where id = e.stream_id;
    when 'WebhookReplayed' then
      update webhooks set delivered_after = (e.data->>'after')::bigint, delivered_since = e.position, version = e.version where id = e.stream_id;
    when 'WebhookRetried' then
      update webhooks set version = e.version where id = e.stream_id;
    when 'WebhookStopped' then
      update webhooks set status = 'stopped', status_reason = e.data->>'reason', version = e.version where id = e.stream_id;
    when 'WebhookStarted' then
      update webhooks set status = 'active', status_reason = null, version = e.version where id = e.stream_id;
    when 'WebhookRemoved' then
      delete from webhooks where id = e.stream_id;
  end case;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.rate_limit_wait(p_limits jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  r auth_gateway.rate_limits;
  v_hits timestamptz[];
  v_length interval;
  v_max integer;
  v_wait integer := 0;
begin
  -- One look-up by key for each: for a join, the planner may read the whole table.
  for i in 0 .. jsonb_array_length(p_limits) - 1 loop
    v_max := (p_limits->i->>'max')::int;
    select x.* into r from auth_gateway.rate_limits x
    where x.bucket = p_limits->i->>'bucket' and x.expires_at > now() and x.count >= v_max;
    continue when not found;
    if r.hits is null then
      v_wait := greatest(v_wait, ceil(extract(epoch from r.expires_at - now()))::int);
    else
      v_length := make_interval(secs => (p_limits->i->>'seconds')::int);
      v_hits := auth_gateway.recent_hits(r.hits, now() - v_length);
      if cardinality(v_hits) >= v_max then
        v_wait := greatest(v_wait, ceil(extract(epoch from v_hits[cardinality(v_hits) - v_max + 1] + v_length - now()))::int, 1);
      end if;
    end if;
  end loop;
  return v_wait;
end $function$;
grant execute on function auth_gateway.rate_limit_wait(jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.read_key_ring()
 RETURNS json
 LANGUAGE sql
 STABLE
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  select json_build_object('version', r.version, 'root', r.root, 'wrapped', encode(r.wrapped, 'base64'), 'keys', (
    select json_agg(json_build_object('id', k.id, 'purpose', k.purpose, 'epoch', k.epoch, 'sealed', encode(k.sealed, 'base64'),
      'active_from', k.active_from)) from key_ring k))
  from key_root r
$function$;
grant execute on function auth_gateway.read_key_ring() to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.rebuild_model(p_name text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  m read_models;
begin
  select * into strict m from read_models where name = p_name;
  execute format('truncate %I', m.name);
  execute format('select %I(e) from event_store e where e.stream_type = %L order by e.position', m.projector, m.stream_type);
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.recent_hits(p_hits timestamp with time zone[], p_since timestamp with time zone)
 RETURNS timestamp with time zone[]
 LANGUAGE sql
 IMMUTABLE
RETURN ARRAY(SELECT h.h FROM unnest(recent_hits.p_hits) h(h) WHERE (h.h > recent_hits.p_since) ORDER BY h.h);
grant execute on function auth_gateway.recent_hits(timestamp with time zone[],timestamp with time zone) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.record_webhook_turn(p_id uuid, p_position bigint, p_outcomes jsonb, p_delivered integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  update webhook_cursors set position = greatest(position, p_position), leased_until = now(), delivered = delivered + p_delivered,
    last_delivered_at = case when p_delivered > 0 then now() else last_delivered_at end where webhook_id = p_id;
  delete from webhook_deliveries d using jsonb_to_recordset(p_outcomes) as o(position bigint, status text)
  where d.webhook_id = p_id and d.position = o.position and o.status = 'delivered';
  insert into webhook_deliveries as d (webhook_id, position, stream_id, status, attempts, next_at, failure, failed_at)
  select p_id, o.position, o.stream_id, o.status, o.attempts, o.next_at, o.failure, now()
  from jsonb_to_recordset(p_outcomes)
    as o(position bigint, stream_id uuid, status text, attempts integer, next_at timestamptz, failure text)
  where o.status <> 'delivered'
  on conflict (webhook_id, position) do update set status = excluded.status, attempts = excluded.attempts,
    next_at = excluded.next_at, failure = excluded.failure, failed_at = excluded.failed_at;
end $function$;
grant execute on function auth_gateway.record_webhook_turn(uuid,bigint,jsonb,integer) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
begin
  raise exception 'the event store is append-only' using errcode = 'LA002';
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.refuse_replaced_key()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_sealed bytea;
begin
  if tg_table_name = 'subject_keys' then
    v_sealed := new.wrapped_key;
  elsif not is_ring_sealed(new.name) then
    return new;
  else
    v_sealed := new.sealed;
  end if;
  if sealed_epoch(v_sealed) < (select min(k.epoch) from key_ring k where k.purpose = 'subject-key-wrapping') then
    raise exception 'sealed under a key that was replaced: the key ring was not read again';
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.regroup_identity(p_uai uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_root uuid;
  v_members uuid[];
  v_organizations uuid[];
begin
  with recursive up as (
    select uai, merged_into from identities where uai = p_uai
    union all select i.uai, i.merged_into from identities i join up on i.uai = up.merged_into)
  select uai into v_root from up where merged_into is null;
  with recursive down as (
    select uai, organization_id from identities where uai = v_root
    union all select i.uai, i.organization_id from identities i join down on i.merged_into = down.uai)
  select array_agg(uai order by uai), array_agg(organization_id order by uai) into v_members, v_organizations from down;
  update identities set canonical_uai = v_root,
    members = case when uai = v_root then v_members else array[uai] end,
    organizations = case when uai = v_root then v_organizations else array[organization_id] end
  where uai = any (v_members);
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.replace_key_root(p_version integer, p_root text, p_wrapped bytea, p_keys jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_count integer;
begin
  update key_root set version = version + 1, root = p_root, wrapped = p_wrapped where version = p_version;
  if not found then
    return false;
  end if;
  update key_ring k set sealed = decode(n.sealed, 'base64')
  from jsonb_to_recordset(p_keys) as n(id uuid, sealed text) where n.id = k.id;
  get diagnostics v_count = row_count;
  if v_count <> (select count(*) from key_ring) then
    raise exception 'not every key of the ring was sealed again';
  end if;
  return true;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.resources_json()
 RETURNS json
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  return (select coalesce(json_agg(json_build_object('id', r.id, 'identifier', r.identifier, 'name', r.name, 'scopes', r.scopes,
    'is_default', r.is_default, 'supabase', r.supabase)), '[]') from auth_gateway.protected_resources r);
end $function$;
grant execute on function auth_gateway.resources_json() to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.retry_webhook_deliveries(p_id uuid, p_position bigint)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_count integer;
begin
  update webhook_deliveries set status = 'waiting', attempts = 0, next_at = now()
  where webhook_id = p_id and status = 'dead' and (p_position is null or position = p_position);
  get diagnostics v_count = row_count;
  return v_count;
end $function$;
grant execute on function auth_gateway.retry_webhook_deliveries(uuid,bigint) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.sealed_epoch(p_sealed bytea)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
RETURN CASE WHEN (length(p_sealed) < 3) THEN 1 WHEN (get_byte(p_sealed, 0) <> 2) THEN 1 ELSE ((get_byte(p_sealed, 1) * 256) + get_byte(p_sealed, 2)) END;
grant execute on function auth_gateway.sealed_epoch(bytea) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.session_is_live(s auth_gateway.sessions)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  return auth_gateway.session_is_valid(s,
    (select a.last_seen_at from auth_gateway.session_activity a where a.session_id = s.id),
    (select o.ended_at from auth_gateway.sessions o where o.id = s.opened_from));
end $function$;
grant execute on function auth_gateway.session_is_live(auth_gateway.sessions) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.session_is_valid(s auth_gateway.sessions, p_last_seen timestamp with time zone, p_opener_ended timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 STABLE
RETURN (((s).ended_at IS NULL) AND (p_opener_ended IS NULL) AND ((s).expires_at > now()) AND ((s).started_at <= (now() + '00:01:00'::interval)) AND ((GREATEST((s).started_at, p_last_seen) + make_interval(secs => ((s).idle_seconds)::double precision)) > now()));
grant execute on function auth_gateway.session_is_valid(auth_gateway.sessions,timestamp with time zone,timestamp with time zone) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.settle_log(OUT settled bigint, OUT drawn bigint)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v log_horizon;
begin
  drawn := (select last_value from event_position);
  select * into v from log_horizon for update;
  if v.transaction_id < pg_snapshot_xmin(pg_current_snapshot()) then
    v.position := v.seen_position;
    v.seen_position := drawn;
    v.transaction_id := pg_current_xact_id();
  elsif v.transaction_id > pg_current_xact_id() then
    -- The database was restored to a server that counts transactions from the start.
    v.seen_position := drawn;
    v.transaction_id := pg_current_xact_id();
  end if;
  update log_horizon set position = v.position, seen_position = v.seen_position, transaction_id = v.transaction_id
  where transaction_id <> v.transaction_id;
  settled := v.position;
end $function$;
grant execute on function auth_gateway.settle_log() to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.sms_source_wait(p_sources jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  s record;
  v_oldest timestamptz;
  v_sent integer;
  v_entered integer;
  v_wait integer := 0;
begin
  for s in select * from jsonb_to_recordset(p_sources) as x(kind text, digest text, max integer, seconds integer)
  loop
    select min(c.issued_at), count(*), count(*) filter (where c.status = 'consumed') into v_oldest, v_sent, v_entered
    from auth_gateway.lookup_digests d join auth_gateway.otp_challenges c on c.id = d.stream_id
    where d.kind = s.kind and d.digest = decode(s.digest, 'hex') and c.status <> 'undelivered'
      and c.issued_at > now() - make_interval(secs => s.seconds);
    if v_sent - 5 * v_entered >= s.max then
      v_wait := greatest(v_wait, ceil(extract(epoch from v_oldest + make_interval(secs => s.seconds) - now()))::int, 1);
    end if;
  end loop;
  return v_wait;
end $function$;
grant execute on function auth_gateway.sms_source_wait(jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.subjects_of_addresses(p_subject uuid)
 RETURNS uuid[]
 LANGUAGE sql
 STABLE
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  select coalesce(array_agg(distinct other.subject order by other.subject), '{}')
  from lookup_digests own
  join lookup_digests other on other.digest = own.digest and other.subject <> own.subject
    and other.kind in ('otp_address', 'otp_browser_address', 'message_address', 'suppressed_address')
  where own.subject = p_subject
$function$;
grant execute on function auth_gateway.subjects_of_addresses(uuid) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.supabase_resource(p_resources text[])
 RETURNS json
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  return (select json_build_object('id', r.id, 'identifier', r.identifier, 'accounts', r.supabase->>'accounts')
    from auth_gateway.protected_resources r where r.identifier = any (p_resources) and r.supabase is not null limit 1);
end $function$;
grant execute on function auth_gateway.supabase_resource(text[]) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.sweep_form_states(p_batch integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_swept integer;
begin
  delete from form_states where key in
    (select key from form_states where expires_at <= now() order by expires_at limit p_batch for update skip locked);
  get diagnostics v_swept = row_count;
  return v_swept;
end $function$;

CREATE OR REPLACE FUNCTION auth_gateway.take_rate_limits(p_limits jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
declare
  v_wait integer;
begin
  v_wait := hit_rate_limits(p_limits);
  if v_wait > 0 then
    raise exception 'rate limit reached' using errcode = 'LA003';
  end if;
  return 0;
exception when sqlstate 'LA003' then
  return v_wait;
end $function$;
grant execute on function auth_gateway.take_rate_limits(jsonb) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.touch_session(p_session_id uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  insert into session_activity as a (session_id, last_seen_at) values (p_session_id, now())
  on conflict (session_id) do update set last_seen_at = excluded.last_seen_at where a.last_seen_at < excluded.last_seen_at
$function$;
grant execute on function auth_gateway.touch_session(uuid) to auth_gateway_app;

CREATE OR REPLACE FUNCTION auth_gateway.uuid_v7_floor(p_at timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'auth_gateway', 'pg_temp'
AS $function$
  select (lpad(to_hex((extract(epoch from p_at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$function$;
grant execute on function auth_gateway.uuid_v7_floor(timestamp with time zone) to auth_gateway_app;

import * as z from 'zod/mini'
import { list, orNull, time } from './fields.ts'

const serviceScope = () =>
  z.object({
    service_key: z.string(),
    allowed_actions: z.optional(list()),
    max_calls_per_minute: z.optional(z.int()),
    max_calls_per_day: z.optional(z.int()),
  })
export const apiKey = () =>
  z.object({
    id: z.uuid(),
    name: z.string(),
    description: orNull(z.string()),
    user_id: z.uuid(),
    organization_id: z.uuid(),
    owner: z.enum(['person', 'organization']),
    parent_id: orNull(z.uuid()),
    access_level: z.string(),
    key_context: orNull(z.string()),
    permissions: list(),
    scopes: list(),
    service: z.enum(['all', 'specific']),
    service_scopes: z.array(serviceScope()),
    binding: orNull(z.looseObject({})),
    rate_limits: orNull(
      z.object({ max_calls_per_minute: z.optional(z.int()), max_calls_per_day: z.optional(z.int()) }),
    ),
    limits_counted_by: orNull(z.enum(['key', 'owner'])),
    max_uses: orNull(z.int()),
    remaining_uses: orNull(z.int()),
    allowed_networks: list(),
    consumer: orNull(z.string()),
    key_preview: orNull(z.string()),
    status: z.string(),
    is_active: z.boolean(),
    uses_today: z.int(),
    expires_at: orNull(time()),
    last_used_at: orNull(time()),
    rotated_at: orNull(time()),
    created_at: time(),
  })
export const apiKeyWithSecret = () => z.extend(apiKey(), { key: z.string() })

export const project = () =>
  z.object({
    id: z.uuid(),
    name: z.string(),
    description: orNull(z.string()),
    organizationId: z.uuid(),
    ownerId: z.uuid(),
    teamMembers: list(),
    settings: z.looseObject({}),
    createdAt: time(),
    updatedAt: time(),
  })
export const storedKey = () =>
  z.object({
    id: z.uuid(),
    name: z.string(),
    encryptedValue: orNull(z.string()),
    keyType: z.string(),
    environment: z.string(),
    projectId: z.uuid(),
    organizationId: z.uuid(),
    accessLevel: z.string(),
    status: z.string(),
    tags: list(),
    usageCount: z.int(),
    lastRotated: orNull(time()),
    rotationFrequency: orNull(z.string()),
    expiresAt: orNull(z.string()),
    metadata: z.looseObject({}),
    createdBy: z.uuid(),
    createdAt: time(),
    updatedAt: time(),
  })

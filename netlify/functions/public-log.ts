import { readPublicTiles, readTilePath } from '../../shared/audit/public-tiles.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { listCheckpoints } from '../../shared/queries/audit-tree.ts'

const app = createApp('api', { tag: 'Audit' })

/** Serves the newest checkpoint; `/audit` is the prefix of the log as C2SP tlog-tiles has it. */
app.route('GET', ['/audit/checkpoint', '/v1/audit/checkpoint'], {
  authority: openToAll,
  operation: { summary: 'Returns the newest checkpoint as a signed note (C2SP)', answers: { 200: 'text/plain' } },
})(async (c) => {
  const [newest] = await listCheckpoints(gateway().reads, { limit: 1 })
  if (!newest) throw new GatewayError('not_found', { description: 'No checkpoint exists yet.' })
  return c.body(newest.note, 200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'public, max-age=5',
    'Access-Control-Allow-Origin': '*',
  })
})

/** Serves a tile of the tree over all events. A stored hash never changes, so a tile of a width is the same for ever. */
app.route('GET', '/audit/tile/:level/:tile{.+}', {
  authority: openToAll,
  operation: {
    summary: 'Returns a tile of the event tree (C2SP tlog-tiles)',
    answers: { 200: 'application/octet-stream' },
  },
})(async (c) => {
  const name = readTilePath(`tile/${c.req.param('level')}/${c.req.param('tile')}`)
  const [tile] = name ? await readPublicTiles(gateway().reads, [name]) : []
  if (!tile) throw new GatewayError('not_found', { description: 'The log has no such tile.' })
  return c.body(new Uint8Array(tile.bytes), 200, {
    'Content-Type': 'application/octet-stream',
    'Cache-Control': 'public, max-age=31536000, immutable',
    'Access-Control-Allow-Origin': '*',
  })
})

export default serve(app)

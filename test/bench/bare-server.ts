import { createServer } from 'node:http'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'
import postgres from 'postgres'

// The least that a gateway in Node could start with: a server, a driver and the parts of jose that ours signs and checks with.
const sql = postgres(process.env.DATABASE_URL ?? '', { prepare: false })
const parts = [sql, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT]

createServer((_request, response) => response.end()).listen(0, '127.0.0.1')

export default async () => new Response(JSON.stringify({ parts: parts.length }), { status: 404 })

#!/usr/bin/env node
// Checks an export of the audit log with nothing but Node: no other file of this project, no network, no database.
// It is one file, though a long one, so that an auditor can download, read and run it without the rest of the project.
//
//   node scripts/verify-export.mjs audit.jsonl [more.jsonl …] [archive.jsonl.gz …] [--key <verifier key>] [--checkpoint <note>] [--consistency <json>] [--json]
//
// The format and the checks, so that anyone can implement them:
//  - A file is JSON Lines: `export`, maybe `checkpoint`, then `event` and `hidden` lines by position, then `end` with the SHA-256 of
//    all lines before it.
//  - An event's hash is SHA-256 over the bytes of `previous_hash` and these fields, one per line (LF), as they stand:
//    "lanonasis-event-v1", position, event_id, stream_type, stream_id, version, event_type, schema_version, subject or "-",
//    transaction_id, recorded_at, data, metadata. `data` and `metadata` are text here, to be hashed as they are.
//  - `previous_hash` is the hash of the event before it in its stream, or 32 zero bytes. A `hidden` event is about another person: its
//    line has only its place in the chain. An export of everything has none.
//  - No object has a member twice, since parsers differ in which one they use.
//  - A checkpoint is a signed note (C2SP tlog-checkpoint, Ed25519): the number of events and the root of the Merkle tree (RFC 9162
//    section 2.1) over their hashes by position, leaf = SHA-256(0x00, hash).
//  - `inclusion` is the proof (RFC 9162 section 2.1.3.2) that an event is in the tree of the file's checkpoint.
//  - A month of events may have been moved from the log into a file of its own, an archive: gzipped, its scope a month, every event
//    with its proof, of streams that began in it (their ids are uuids v7). For such an event the log has an `archived` line with its leaf,
//    and later an event `EventsArchived` with the number of events, SHA-256 of their positions (ascending, a LF after each) as
//    `positionsSha256`, and that of the file as `sha256`.
//
//  - `KeysRewrapped` says that all sealed values are under keys of a new epoch, which rises. Its note is signed as checkpoints are, and
//    states its other members: origin, "rewrapped epoch <epoch> complete", "<values> values in <batches> batches <root>".
//
// --key         the log's verifier key, from another source than the file (`/v1/audit/checkpoints` has it); one for each name that the
//               log was signed under (events `AuditLogBegun` and `AuditLogOriginChanged`)
// --checkpoint  a note kept from earlier, or published elsewhere: the events that it covers must still be there
// --consistency answer of `/v1/audit/consistency` from that note's size to the file's, needed if the file is only a part
// Exit code 0: everything holds, 1: it does not, 2: wrong usage.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createGunzip } from 'node:zlib'

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const fromHex = (text) => Buffer.from(String(text), 'hex')
const ZERO = '0'.repeat(64)

const eventHash = (e) => {
  const fields = [e.position, e.event_id, e.stream_type, e.stream_id, e.version, e.event_type, e.schema_version]
  const rest = [e.subject ?? '-', e.transaction_id, e.recorded_at, e.data, e.metadata]
  return sha256(fromHex(e.previous_hash), ['lanonasis-event-v1', ...fields, ...rest].join('\n')).toString('hex')
}

// Merkle tree, RFC 9162 section 2.1

const leafHash = (hash) => sha256('\0', fromHex(hash))
const nodeHash = (left, right) => sha256('\x01', left, right)

/** An append-only tree, kept as the roots of its complete subtrees, largest first. */
function createTree() {
  const subtrees = []
  let size = 0
  return {
    get size() {
      return size
    },
    add(leaf) {
      let node = leaf
      for (let n = size; n % 2 === 1; n = (n - 1) / 2) node = nodeHash(subtrees.pop(), node)
      subtrees.push(node)
      size += 1
    },
    root: () => (size === 0 ? sha256('') : subtrees.reduceRight((right, left) => nodeHash(left, right))),
  }
}

/** RFC 9162 section 2.1.3.2. */
function includes(leaf, index, size, path, root) {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return false
  let [fn, sn, node] = [index, size - 1, leaf]
  for (const sibling of path) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      node = nodeHash(sibling, node)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
    } else node = nodeHash(node, sibling)
    ;[fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  }
  return sn === 0 && node.equals(root)
}

/** RFC 9162 section 2.1.4.2. */
function isConsistent(first, second, path) {
  if (first.size === second.size) return path.length === 0 && first.root.equals(second.root)
  if (first.size === 0) return true
  if (first.size > second.size) return false
  const power = Number.isInteger(Math.log2(first.size))
  const [start, ...rest] = power ? [first.root, ...path] : path
  if (!start) return false
  let [fn, sn, fr, sr] = [first.size - 1, second.size - 1, start, start]
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  for (const node of rest) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      ;[fr, sr] = [nodeHash(node, fr), nodeHash(node, sr)]
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
    } else sr = nodeHash(sr, node)
    ;[fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  }
  return sn === 0 && fr.equals(first.root) && sr.equals(second.root)
}

// Signed notes, C2SP signed-note and tlog-checkpoint

function readNote(text) {
  const [, body = '', signatures = ''] = /^([\s\S]*?\n)\n([\s\S]+)$/.exec(text) ?? []
  const [origin = '', size = '', root = '', position = ''] = body.split('\n')
  const signed = [...signatures.matchAll(/^— (\S+) (\S+)$/gm)].map(([, name, value]) => ({
    name,
    value: Buffer.from(value, 'base64'),
  }))
  return {
    body,
    origin,
    size: Number(size),
    root: Buffer.from(root, 'base64'),
    position: BigInt(position.replace(/\D/g, '')),
    signed,
  }
}

function isSigned(note, key) {
  const [, name, id, material] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(key) ?? []
  const bytes = Buffer.from(material ?? '', 'base64')
  if (bytes.length !== 33 || bytes[0] !== 1 || note.origin !== name) return false
  if (sha256(`${name}\n`, bytes).toString('hex').slice(0, 8) !== id) return false
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(1).toString('base64url') },
    format: 'jwk',
  })
  const own = note.signed.find((one) => one.name === name && one.value.subarray(0, 4).toString('hex') === id)
  return own !== undefined && verify(null, Buffer.from(note.body), publicKey, own.value.subarray(4))
}

// The check

const USAGE = `node scripts/verify-export.mjs <audit.jsonl …> [--key <verifier key>] [--checkpoint <note>] [--consistency <json>] [--json]

Checks an export of the audit log, and archives of it, with nothing but Node. The comment at the top of this script describes the checks.
Exit code 0: everything holds, 1: it does not, 2: wrong usage.`

/** Returns what `read` returns; an error that it throws is wrong usage. */
function orWrongUsage(read, before = '') {
  try {
    return read()
  } catch (error) {
    console.error(`${before}${error.message}\n\n${USAGE}`)
    return process.exit(2)
  }
}

const options = {
  key: { type: 'string', multiple: true },
  checkpoint: { type: 'string' },
  consistency: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
}
const { flags, files } = orWrongUsage(() => {
  const { values, positionals } = parseArgs({ allowPositionals: true, options })
  if (!values.help && positionals.length === 0) throw new Error('Which file?')
  return { flags: values, files: positionals }
})
if (flags.help) {
  console.log(USAGE)
  process.exit(0)
}

/** Parses the file that a flag names; undefined without the flag. */
function readNamed(flag, parse) {
  const file = flags[flag]
  if (file === undefined) return undefined
  return orWrongUsage(() => parse(readFileSync(file, 'utf8')), `--${flag} ${file} cannot be read: `)
}

const MOST_FAULTS = 1000
const faults = []
const fault = (what, where = {}) => faults.length < MOST_FAULTS && faults.push({ fault: what, ...where })
const kept = readNamed('checkpoint', readNote)
const seen = { events: 0, hidden: 0, archived: 0, included: 0, sealed: 0, streams: 0 }
/** The given keys, else those in the files. */
const keys = new Set(flags.key)
const isSignedByAny = (note) => [...keys].some((key) => isSigned(note, key))

/** One log: files that continue each other, or an archive. */
const newLog = (archive) => ({
  archive,
  streams: new Map(),
  tree: createTree(),
  /** Checkpoints whose root the tree of a whole log must pass. */
  awaited: kept ? [kept] : [],
  checkpoint: undefined,
  whole: !archive,
  expected: '0',
  last: -1n,
  /** Positions after the checkpoint of their file. */
  later: [],
  positions: createHash('sha256'),
  events: 0,
  /** By archive: the events that `archived` lines place there. */
  archived: new Map(),
  /** By archive: its event in the log. */
  archives: new Map(),
  /** What the events of finished rewraps say. */
  rewraps: [],
})
const logs = []

function passCheckpoints(log) {
  const { awaited, tree } = log
  for (const note of awaited.filter(({ size }) => size === tree.size)) {
    if (!tree.root().equals(note.root)) fault('the events are not those of the checkpoint', { size: note.size })
    seen.sealed = Math.max(seen.sealed, note.size)
    awaited.splice(awaited.indexOf(note), 1)
  }
}

function checkCheckpoint(log, line) {
  log.checkpoint = readNote(line.note)
  const { size } = log.checkpoint
  if (!flags.key && line.verifier_key) keys.add(line.verifier_key)
  if (keys.size > 0 && !isSignedByAny(log.checkpoint)) fault('the checkpoint is not signed by the key', { size })
  log.awaited.push(log.checkpoint)
  passCheckpoints(log)
}

function takePosition(log, position, where) {
  if (BigInt(position) <= log.last) fault('the positions do not rise', where)
  log.last = BigInt(position)
  if (log.checkpoint === undefined || log.last > log.checkpoint.position) log.later.push(log.last)
}

function takeLeaf(log, leaf) {
  if (!log.whole) return
  log.tree.add(leaf)
  passCheckpoints(log)
}

function checkArchived(log, { position, archive, leaf }) {
  if (log.archive) fault('the line does not belong in the archive', { position })
  seen.archived += 1
  takePosition(log, position, { position })
  const archived = log.archived.get(archive) ?? { events: 0, positions: createHash('sha256') }
  archived.events += 1
  archived.positions.update(`${position}\n`)
  log.archived.set(archive, archived)
  takeLeaf(log, fromHex(leaf))
}

/** Returns the name of a member that an object in the text has twice. */
function memberTwice(text) {
  const open = []
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === '{' || token === '[') open.push(new Set())
    else if (token === '}' || token === ']') open.pop()
    else if (token.endsWith(':')) {
      const name = JSON.parse(token.slice(0, -1))
      if (open.at(-1)?.has(name)) return name
      open.at(-1)?.add(name)
    }
  }
  return undefined
}

/** Returns the month in which a stream began: its id is a uuid v7 (RFC 9562 section 5.7). */
function monthOf(id) {
  const began = new Date(Number.parseInt(String(id).replace(/-/g, '').slice(0, 12), 16))
  return Number.isNaN(began.getTime()) ? '' : began.toISOString().slice(0, 7)
}

function checkEvent(log, line, { partial, everything }) {
  const { position, stream_type, stream_id, version } = line
  const where = { position, stream_type, stream_id, version }
  seen[line.kind === 'event' ? 'events' : 'hidden'] += 1
  log.events += 1
  log.positions.update(`${position}\n`)
  takePosition(log, position, where)
  if (everything && line.kind === 'hidden') fault('an event is hidden in an export of everything', where)
  if (log.archive && (line.kind !== 'event' || monthOf(stream_id) !== log.archive.month))
    fault('the line does not belong in the archive', where)
  if (line.kind === 'event' && eventHash(line) !== line.hash) fault('the event is not what was hashed', where)
  if (line.kind === 'event' && line.event_type === 'KeysRewrapped')
    log.rewraps.push({ ...JSON.parse(line.data), where })
  if (line.kind === 'event' && line.event_type === 'EventsArchived') log.archives.set(stream_id, JSON.parse(line.data))
  const before = log.streams.get(`${stream_type} ${stream_id}`)
  if (!before) seen.streams += 1
  if (!before && version === 1 && line.previous_hash !== ZERO)
    fault('the first event of its stream follows another', where)
  if (!before && version !== 1 && !partial) fault('an event is missing before this one', where)
  if (before && before.version + 1 !== version) fault('an event is missing before this one', where)
  else if (before && before.hash !== line.previous_hash) fault('the event does not follow the one before it', where)
  log.streams.set(`${stream_type} ${stream_id}`, { version, hash: line.hash })
  takeLeaf(log, leafHash(line.hash))
  const { checkpoint } = log
  if (!line.inclusion) {
    // A part of the log proves each event that its checkpoint covers, an archive all of them: a forged event has no proof.
    if (log.archive || (!log.whole && checkpoint && BigInt(position) <= checkpoint.position))
      fault('the event has no proof of being in the log', where)
    return
  }
  const path = line.inclusion.path.map(fromHex)
  if (checkpoint && includes(leafHash(line.hash), line.inclusion.index, checkpoint.size, path, checkpoint.root))
    seen.included += 1
  else fault('the event is not in the tree of the checkpoint', where)
}

function logOf(header, file) {
  if (header.scope?.of === 'month') {
    logs.push(newLog({ month: header.scope.month, file }))
    return logs.at(-1)
  }
  const log = logs.find(({ archive }) => !archive)
  if (!log) logs.unshift(newLog())
  const own = log ?? logs[0]
  own.whole = own.whole && header.scope?.of === 'everything' && header.after === own.expected
  return own
}

async function checkFile(file) {
  const digest = createHash('sha256')
  const bytes = createHash('sha256')
  let lines = 0
  let header
  let log
  let ended = false
  const source = createReadStream(file).on('data', (chunk) => bytes.update(chunk))
  const input = file.endsWith('.gz') ? source.pipe(createGunzip()) : source
  source.on('error', (error) => input.destroy(error))
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (text === '') continue
    if (ended) fault('something follows the end', { file })
    let line
    try {
      line = JSON.parse(text)
    } catch {
      fault('a line is not JSON', { file, line: lines + 1 })
      continue
    }
    const twice = memberTwice(text) ?? (typeof line?.data === 'string' ? memberTwice(line.data) : undefined)
    if (twice !== undefined) fault('a line has a member twice', { file, line: lines + 1, member: twice })
    if (line.kind === 'end') {
      ended = true
      if (line.lines !== lines) fault('lines are missing', { file })
      if (line.sha256 !== digest.copy().digest('hex')) fault('the file is not what was exported', { file })
      if (log) log.expected = line.next_after
      continue
    }
    digest.update(`${text}\n`)
    lines += 1
    if (line.kind === 'export') {
      if (header) fault('the file has two headers', { file })
      header = line
      log = logOf(header, file)
      continue
    }
    log ??= logOf({}, file)
    if (line.kind === 'checkpoint') checkCheckpoint(log, line)
    else if (line.kind === 'archived') checkArchived(log, line)
    else if (line.kind === 'event' || line.kind === 'hidden')
      checkEvent(log, line, {
        partial: !log.archive && header?.after !== '0',
        everything: header?.scope?.of === 'everything',
      })
    else fault('a line of no known kind', { file, line: lines })
  }
  if (!header) fault('the file does not begin with its header', { file })
  if (!ended) fault('the file is cut off', { file })
  if (!log?.archive) return
  log.archive.sha256 = bytes.digest('hex')
  log.archive.positions_sha256 = log.positions.digest('hex')
  if (!log.checkpoint) fault('the archive has no checkpoint', { file })
}

/** Compares the archives' events in the log with the `archived` lines, and with the given archives. */
function checkArchives(log, archives) {
  for (const [archive, { events, positions }] of log.archived) {
    const recorded = log.archives.get(archive)
    if (!log.whole) continue
    if (!recorded) fault('a line names an archive that the log does not know', { archive })
    else if (recorded.events !== events || recorded.positionsSha256 !== positions.digest('hex'))
      fault('the archived events are not those of the archive', { archive, month: recorded.month })
  }
  for (const { archive, events } of archives) {
    const { month, file, sha256: is, positions_sha256: positions } = archive
    const recorded = [...log.archives.values()].find((one) => one.month === month)
    if (!recorded) fault('the log does not know the archive', { file, month })
    else if (recorded.sha256 !== is || recorded.events !== events || recorded.positionsSha256 !== positions)
      fault('the archive is not the one that the log knows', { file, month })
  }
}

/** Checks the notes of finished rewraps; the signature, if a key of their origin is known. */
function checkRewraps({ rewraps }) {
  for (const [n, { epoch, batches, values, root, note: text, where }] of rewraps.entries()) {
    const note = readNote(text)
    const said = `${note.origin}\nrewrapped epoch ${epoch} complete\n${values} values in ${batches} batches ${root}\n`
    const known = [...keys].some((key) => key.startsWith(`${note.origin}+`))
    if (note.body !== said || (known && !isSignedByAny(note))) fault('the rewrap is not signed by the key', where)
    if (epoch <= (rewraps[n - 1]?.epoch ?? 1)) fault('the epochs of rewraps do not rise', where)
  }
}

for (const file of files)
  await checkFile(file).catch((error) => fault('the file cannot be read', { file, error: error.message }))

const [log = newLog()] = logs
const { checkpoint, whole } = log
if (!log.archive) checkArchives(log, logs.slice(1))
checkRewraps(log)
if (whole)
  for (const note of log.awaited)
    fault('events that the checkpoint covers are missing', { size: note.size, events: log.tree.size })
if (flags.key && !checkpoint && !kept && seen.events > 0) fault('there is no checkpoint that the key could have signed')
if (kept && keys.size === 0) fault('no key to check the kept checkpoint')
if (kept && keys.size > 0 && !isSignedByAny(kept))
  fault('the kept checkpoint is not signed by the key', { size: kept.size })
if (kept && !whole) {
  if (!checkpoint) fault('the file has no checkpoint to compare with the kept one')
  else {
    const path = readNamed('consistency', (text) => JSON.parse(text).path.map(fromHex)) ?? []
    if (!isConsistent(kept, checkpoint, path))
      fault('the log of the kept checkpoint is not the beginning of this one', { size: kept.size })
  }
}

const uncovered = log.later.filter((position) => !checkpoint || position > checkpoint.position).length
const answer = {
  ok: faults.length === 0,
  whole,
  ...seen,
  checkpoint: checkpoint?.size ?? null,
  /** Events that no checkpoint covers yet. */
  not_covered: uncovered,
  keys: [...keys],
  key_given: flags.key !== undefined,
  archives: logs.filter(({ archive }) => archive).map(({ archive, events }) => ({ ...archive, events })),
  faults,
}
if (flags.json) console.log(JSON.stringify(answer, null, 2))
else {
  for (const { fault: what, ...where } of faults.slice(0, 50)) console.log(`${what}: ${JSON.stringify(where)}`)
  console.log(
    `${seen.events} events (${seen.hidden} more of others) in ${seen.streams} streams: ${answer.ok ? 'every chain holds' : 'BROKEN'}`,
  )
  if (seen.archived > 0) console.log(`${seen.archived} more are in archives`)
  if (checkpoint)
    console.log(
      `checkpoint of ${checkpoint.size} events, ${whole ? `${seen.sealed} of them here` : `${seen.included} events proven to be in it`}`,
    )
  if (uncovered > 0) console.log(`${uncovered} events are not covered by a checkpoint yet`)
  if (checkpoint && keys.size === 0) console.log('signatures were not checked: give --key')
  if (!flags.key) for (const key of keys) console.log(`signed by a key that is in the file itself: compare ${key}`)
}
process.exitCode = answer.ok ? 0 : 1

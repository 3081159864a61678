// Packs each built function into an archive, as Netlify does when it deploys: node pack.mjs <functions> <target> <base>.
// Prints a line of JSON for each: name, size in bytes, schedule, packed files.
import { zipFunctions } from '@netlify/zip-it-and-ship-it'

const [source, target, basePath] = process.argv.slice(2)
const packed = await zipFunctions(source, target, {
  archiveFormat: 'zip',
  basePath,
  config: { '*': { nodeVersion: '22' } },
})
for (const { name, size, schedule, inputs } of packed) console.log(JSON.stringify({ name, size, schedule, inputs }))

import { readFileSync, writeFileSync } from 'node:fs'
import { program, readFlags } from './terminal.ts'

/**
 * Replaces the generated part of a Markdown text, between `<!-- name:start -->` and `<!-- name:end -->`.
 * @throws {Error} when the markers are missing.
 */
export function withGenerated(markdown: string, name: string, part: string): string {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`]
  const [before, rest] = markdown.split(start)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`no ${start} and ${end} markers`)
  return `${before}${start}\n${part}\n${end}${after}`
}

/** Replaces the generated part of a Markdown file. */
export function writePart(file: string, name: string, part: string): void {
  writeFileSync(file, withGenerated(readFileSync(file, 'utf8'), name, part))
}

/** Makes a program that replaces the generated part of a Markdown file. */
export function partProgram(
  moduleUrl: string,
  usage: string,
  { file, name, make }: { file: string; name: string; make: () => string | Promise<string> },
) {
  const command = async (args: string[]) => {
    readFlags(args, {})
    writePart(file, name, await make())
    return 0
  }
  return program(moduleUrl, usage, command, { alone: true })
}

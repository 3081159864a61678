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

type Part = {
  /** What runs the program, and what it writes. */
  command: string
  writes: string
  file: string
  name: string
  make: () => string | Promise<string>
}

/** Makes a program that replaces the generated part of a Markdown file. */
export function partProgram(moduleUrl: string, { command, writes, file, name, make }: Part) {
  const write = async (args: string[]) => {
    readFlags(args, {})
    writePart(file, name, await make())
    return 0
  }
  return program(moduleUrl, `${command}\n\nWrites ${writes} into ${file}.`, write, { alone: true })
}

import type { Installation } from './installation.ts'

/** An option of a command. */
export interface CommandOption {
  /** What stands for its value in the usage: `T`. */
  placeholder: string
  description: string
  /** Whether it must be given. */
  required?: boolean
  /** What is wrong with a value, in words; undefined if nothing is. */
  faultOf(value: string): string | undefined
}

/** One line of an answer: members as they stand in JSON. */
export type Row = Record<string, string | number | boolean | null | readonly string[]>

/** What `accepted NAME` does. */
export interface Command {
  /** Two words: `secrets list`. */
  name: string
  summary: string
  options: Readonly<Record<string, CommandOption>>
  /** What is given without a name, in the order that it stands in: handed over as options. Each must be given. */
  operands?: Readonly<Record<string, CommandOption>>
  /** What is wrong with the options together, in words; undefined if nothing is. */
  faultOf?(options: Readonly<Record<string, string>>): string | undefined
  /** @throws {NotFound} @throws {SealError} @throws {StoreUnavailable} */
  run(installation: Installation, options: Readonly<Record<string, string>>): Promise<Row | Row[]>
}

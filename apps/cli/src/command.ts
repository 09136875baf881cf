import type { Installation } from './installation.ts'

/** An option of a command. */
export interface CommandOption {
  /** What stands for its value in the usage: `T`. */
  placeholder: string
  description: string
  /** What is wrong with a value, in words; undefined if nothing is. */
  faultOf(value: string): string | undefined
}

/** One line of an answer: members as they stand in JSON. */
export type Row = Record<string, string | number | null>

/** What `accepted NAME` does. */
export interface Command {
  /** Two words: `secrets list`. */
  name: string
  summary: string
  options: Readonly<Record<string, CommandOption>>
  /** @throws {SealError} @throws {StoreUnavailable} */
  run(installation: Installation, options: Readonly<Record<string, string>>): Promise<Row | Row[]>
}

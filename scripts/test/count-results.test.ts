import { describe, expect, test } from 'vitest'
import type { TestModule } from 'vitest/node'
import { countResults, countsLine } from './count-results.ts'

type State = 'passed' | 'failed' | 'skipped'

/** As much of a test module as is counted. */
function testModule(state: State, tests: State[]): TestModule {
  const allTests = () => tests.map((result) => ({ result: () => ({ state: result }) }))
  return { state: () => state, children: { allTests } } as unknown as TestModule
}

describe('counting results', () => {
  test('counts the tests of all files', () => {
    const modules = [
      testModule('failed', ['passed', 'failed', 'passed']),
      testModule('passed', ['passed', 'skipped']),
    ]
    expect(countResults(modules)).toEqual({ passed: 3, failed: 1, skipped: 1 })
  })

  test('counts a file that cannot be loaded as one that failed', () => {
    expect(countResults([testModule('failed', [])])).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })

  test('ends in a line that says no more than needed', () => {
    expect(countsLine({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed')
    expect(countsLine({ passed: 12, failed: 1, skipped: 2 })).toBe('12 passed, 1 failed, 2 skipped')
  })
})

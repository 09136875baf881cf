import { expect, test } from 'vitest'
import { ApiSettings, readSettings, SettingsError, WorkerSettings } from './settings.ts'

test('what is not set has its default, numbers are numbers, and empty counts as not set', () => {
  const settings = readSettings(ApiSettings, {
    REDIS_URL: 'redis://h',
    PORT: '8080',
    HOST: '',
    TRUST_PROXY: 'true',
  })
  expect(settings).toMatchObject({ PORT: 8080, HOST: '127.0.0.1', TRUST_PROXY: 'true', RETRY_AFTER_MAX: 600 })
})

test('all faults are told at once, each with the name and value of its variable', () => {
  const faulty = {
    PORT: '70000',
    MAX_BACKLOG: 'many',
    LOG_LEVEL: 'loud',
    PUBLIC_URL: 'https://host/',
    TRUST_PROXY: 'yes',
    CALLBACK_ALLOW_CIDRS: 'here,169.254.169.254',
    CALLBACK_REQUIRE_HTTPS: 'maybe',
  }
  let told: unknown
  try {
    readSettings(ApiSettings, faulty)
  } catch (error) {
    told = error
  }
  expect(told).toBeInstanceOf(SettingsError)
  expect((told as SettingsError).faults.sort()).toEqual([
    expect.stringMatching(
      /^CALLBACK_ALLOW_CIDRS=here,169\.254\.169\.254: 169\.254\.169\.254 is a .*metadata/,
    ),
    expect.stringMatching(/^CALLBACK_ALLOW_CIDRS=here,169\.254\.169\.254: here is not a range/),
    'CALLBACK_REQUIRE_HTTPS=maybe: must be boolean',
    expect.stringMatching(/^LOG_LEVEL=loud: must be one of fatal, error/),
    'MAX_BACKLOG=many: must be integer',
    expect.stringMatching(/^PORT=70000: must be <= 65535/),
    expect.stringMatching(/^PUBLIC_URL=https:\/\/host\/: /),
    'REDIS_URL: is required',
    'TRUST_PROXY=yes: yes is not a range of addresses such as 10.0.0.0/8 or fd00::/8',
  ])
})

test('an app does not read the settings of another', () => {
  expect(readSettings(WorkerSettings, { REDIS_URL: 'redis://h', PORT: 'none' })).not.toHaveProperty('PORT')
})

test('the value of a setting that has a secret in it is not told', () => {
  const read = () => readSettings(WorkerSettings, { REDIS_URL: 'redsi://:hunter2@host', LOG_LEVEL: 'loud' })
  expect(read).toThrow(/^The settings are faulty:\n(?!.*hunter2).*REDIS_URL: .*LOG_LEVEL=loud: /s)
})

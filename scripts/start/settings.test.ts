import { describe, expect, test } from 'vitest'
import { readStartSettings } from './settings.ts'

describe('the settings of npm start', () => {
  test('keep data in the project unless told otherwise', () => {
    expect(readStartSettings({}, '/project')).toMatchObject({
      redisUrl: undefined,
      dataDir: '/project/.data',
    })
  })

  test('take DATA_DIR from where npm start was called', () => {
    const settings = readStartSettings({ DATA_DIR: 'mine', INIT_CWD: '/home/me' }, '/project')
    expect(settings.dataDir).toBe('/home/me/mine')
    expect(readStartSettings({ DATA_DIR: '/mine', INIT_CWD: '/home/me' }, '/project').dataDir).toBe('/mine')
  })

  test('count an empty variable as not set', () => {
    const settings = readStartSettings(
      { REDIS_URL: '', DATA_DIR: '', SHUTDOWN_GRACE_SECONDS: '' },
      '/project',
    )
    expect(settings).toMatchObject({ redisUrl: undefined, dataDir: '/project/.data' })
    expect(settings.appEnvironment.SHUTDOWN_GRACE_SECONDS).toBe('2')
  })

  test('keep the key of the secrets with the data, unless it is elsewhere', () => {
    const keyFileOf = (env: NodeJS.ProcessEnv) =>
      readStartSettings({ INIT_CWD: '/home/me', ...env }, '/project').appEnvironment.SECRETS_KEY_FILE
    expect(keyFileOf({ SECRETS_KEY_FILE: '' })).toBe('/project/.data/secrets.key')
    expect(keyFileOf({ DATA_DIR: 'mine' })).toBe('/home/me/mine/secrets.key')
    expect(keyFileOf({ SECRETS_KEY_FILE: 'my.key' })).toBe('/home/me/my.key')
  })

  test('ask nobody for a key on a host that only this machine reaches, unless told otherwise', () => {
    const authOf = (env: NodeJS.ProcessEnv) => readStartSettings(env, '/project').appEnvironment.AUTH
    expect(authOf({})).toBe('none')
    expect(authOf({ AUTH: '', HOST: '::1' })).toBe('none')
    expect(authOf({ HOST: '0.0.0.0' })).toBe('keys')
    expect(authOf({ AUTH: 'keys' })).toBe('keys')
    expect(authOf({ OIDC_ISSUER: 'https://id.example' })).toBe('keys')
    // The API refuses it, in words.
    expect(authOf({ AUTH: 'none', HOST: '0.0.0.0' })).toBe('none')
  })

  test('let callbacks go to this machine, unless it is said where they may go', () => {
    const rangesOf = (env: NodeJS.ProcessEnv) =>
      readStartSettings(env, '/project').appEnvironment.CALLBACK_ALLOW_CIDRS
    expect(rangesOf({})).toBe('127.0.0.0/8,::1/128')
    expect(rangesOf({ CALLBACK_ALLOW_CIDRS: '10.0.0.0/8' })).toBe('10.0.0.0/8')
    expect(rangesOf({ CALLBACK_ALLOW_CIDRS: '' })).toBe('')
  })

  test('leave a shutdown grace of the user alone', () => {
    const settings = readStartSettings({ SHUTDOWN_GRACE_SECONDS: '9' }, '/project')
    expect(settings.appEnvironment.SHUTDOWN_GRACE_SECONDS).toBe('9')
  })
})

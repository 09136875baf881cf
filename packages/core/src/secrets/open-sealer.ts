import { SettingsError, type SharedSettings } from '../settings.ts'
import { makeKeyFile, readKeyFile } from './key-file.ts'
import { Sealer } from './sealer.ts'
import { readSecretsKeys } from './secrets-key.ts'

/** Where the key of secrets is. */
export type SecretsKeySettings = Pick<SharedSettings, 'SECRETS_KEY' | 'SECRETS_KEY_FILE'>

/**
 * The sealer that the settings name; undefined if they name no key, so that there can be no secrets.
 *
 * @param ifMissing what to do if the file is not there: an app makes it; who only comes to look must not, since the apps may
 *   have another
 * @throws {SettingsError} in words, for keys out of form and for a file that cannot be read or made
 */
export async function openSealer(
  { SECRETS_KEY, SECRETS_KEY_FILE }: SecretsKeySettings,
  ifMissing: 'make' | 'do without',
): Promise<Sealer | undefined> {
  if (SECRETS_KEY) return new Sealer(readSecretsKeys(SECRETS_KEY, 'SECRETS_KEY'))
  if (!SECRETS_KEY_FILE) return undefined
  const name = `SECRETS_KEY_FILE=${SECRETS_KEY_FILE}`
  let text: string | undefined
  try {
    text = await readKeyFile(SECRETS_KEY_FILE)
    if (text === undefined && ifMissing === 'make') {
      await makeKeyFile(SECRETS_KEY_FILE)
      text = await readKeyFile(SECRETS_KEY_FILE)
    }
  } catch (error) {
    throw new SettingsError([`${name}: cannot be read or made: ${(error as Error).message}`])
  }
  return text === undefined ? undefined : new Sealer(readSecretsKeys(text, name))
}

import { beforeAll, describe, expect, it } from 'vitest'
import { namesByScript } from '../testing/orders.ts'
import { FontLibrary, isJapanese } from './library.ts'

let library: FontLibrary
const clusters = new Intl.Segmenter('en')

async function fontsFor(text: string): Promise<(string | undefined)[]> {
  await library.prepare(text)
  const inJapanese = isJapanese(text)
  return Array.from(clusters.segment(text), ({ segment }) => {
    return library.faceForCluster(segment, undefined, inJapanese)?.file.name
  })
}

beforeAll(async () => {
  library = await FontLibrary.open()
})

describe('the font library', () => {
  it.each(Object.entries({ ...namesByScript, Adlam: '𞤀𞤣𞤤𞤢𞤥', Thaana: 'ދިވެހި' }))(
    'has a font for every character of a name: %s',
    async (_script, name) => {
      expect(await fontsFor(name)).not.toContain(undefined)
    },
  )

  it('draws Latin, Greek and Cyrillic with all their marks from one font', async () => {
    const fonts = await fontsFor('Ọ̀ Ŋ̈ ė̃ Ǆ ẞ ᾧ Ѣ ӂ')
    expect(new Set(fonts)).toEqual(new Set(['NotoSans-Regular']))
  })

  it('draws Han as Japanese where there is kana, and as Chinese elsewhere', async () => {
    expect((await fontsFor('骨です'))[0]).toMatch(/^NotoSansJP/)
    expect((await fontsFor('骨'))[0]).toMatch(/^NotoSansSC/)
  })

  it('draws rare characters of names from whichever font has them', async () => {
    expect(await fontsFor('龑堃淼喆㛃𠮷髙')).not.toContain(undefined)
  })

  it('has none for what nobody draws, and says so at once the second time', async () => {
    expect(await fontsFor('\u{e000}')).toEqual([undefined])
    expect(library.prepare('\u{e000}')).toBeUndefined()
  })
})

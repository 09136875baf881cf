import type { ReportOrder } from '../types.ts'

const firstNames =
  'Anna Zoë Chloë Lukáš Søren Åsa Łukasz Ángel João François Jürgen Nguyễn Ștefan Ğülşen Þóra'.split(' ')
const lastNames =
  'Müller Smith García Novák Kowalski Jensen Dubois O’Brien Nagy Öztürk Jónsdóttir Meyer-Lübke'.split(' ')
const goods =
  'Desk lamp, brass|Office chair|Oak shelf 80 × 30 cm|Wool blanket|Fountain pen|Linen curtain 140 cm'.split(
    '|',
  )
const currencies = ['EUR', 'USD', 'GBP', 'SEK', 'PLN']

/** Names in the scripts that the report promises to set, one each. */
export const namesByScript = {
  Latin: 'Nguyễn Thị Ọláyínká Guðný',
  Greek: 'Γιώργος Παπαδόπουλος',
  Cyrillic: 'Юлия Щербакова',
  Arabic: 'محمد عبد الله',
  Hebrew: 'דוד כהן',
  Devanagari: 'प्रियंका शर्मा',
  Bengali: 'রবীন্দ্রনাথ ঠাকুর',
  Gurmukhi: 'ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ',
  Gujarati: 'ગૌતમ પટેલ',
  Oriya: 'ଜଗନ୍ନାଥ',
  Tamil: 'அருண் செல்வம்',
  Telugu: 'వెంకట రమణ',
  Kannada: 'ಕಾವ್ಯಾ ಗೌಡ',
  Malayalam: 'മോഹൻലാൽ',
  Sinhala: 'ශ්‍රී ලංකා',
  Thai: 'สมชาย ใจดี',
  Lao: 'ສົມສັກ',
  Khmer: 'សុខ សុភា',
  Burmese: 'အောင်ဆန်း',
  Javanese: 'ꦧꦱꦗꦮ',
  Tibetan: 'བསྟན་འཛིན',
  Mongolian: 'ᠮᠣᠩᠭᠣᠯ',
  Georgian: 'გიორგი ბერიძე',
  Armenian: 'Արամ Խաչատրյան',
  Ethiopic: 'አበበ ቢቂላ',
  Syriac: 'ܣܘܪܝܝܐ',
  NKo: 'ߒߞߏ',
  Tifinagh: 'ⵜⴰⵎⴰⵣⵉⵖⵜ',
  Cherokee: 'ᏣᎳᎩ ᎠᏰᎵ',
  Inuktitut: 'ᓄᓇᕗᑦ ᐃᓄᒃᑎᑐᑦ',
  'simplified Chinese': '王小明',
  'traditional Chinese': '陳韻如',
  Japanese: 'さくら工業株式会社',
  Korean: '김민준',
  emoji: '🌸 Flower Shop 👩‍💻',
} as const

const exotic = Object.values(namesByScript)

/** An order that is as good as any; the same for the same number. */
export function makeOrder(number: number, given: Partial<ReportOrder> = {}): ReportOrder {
  const pick = <T>(list: readonly T[], salt: number): T =>
    list[(number * salt + (number >> 4)) % list.length]!
  const isExotic = number % 20 === 7
  return {
    order_id: `A-${100_001 + number}`,
    ordered_at: new Date(Date.UTC(2021, 8, 1) + number * 51_000).toISOString(),
    customer: isExotic ? pick(exotic, 1) : `${pick(firstNames, 7)} ${pick(lastNames, 5)}`,
    currency: pick(currencies, 3),
    items: Array.from({ length: 1 + (number % 3) }, (_, i) => ({
      sku: `S-${i}`,
      description: pick(goods, 11 + i),
      quantity: 1 + ((number + i) % 9),
      unit_price: `${1 + ((number * 37) % 400)}.${String((number * 91) % 100).padStart(2, '0')}`,
    })),
    ...given,
  }
}

/** So many orders, in batches, each handed over in its own turn of the event loop. */
export async function* makeOrders(count: number, batchSize = 100): AsyncGenerator<ReportOrder[]> {
  for (let start = 0; start < count; start += batchSize) {
    await new Promise(setImmediate)
    yield Array.from({ length: Math.min(batchSize, count - start) }, (_, i) => makeOrder(start + i))
  }
}

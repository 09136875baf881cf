import { RecentCache } from './cache.ts'

/** An exact decimal number: `digits` × 10^-`scale`. Money never passes through a float. */
export interface Decimal {
  readonly digits: bigint
  readonly scale: number
}

export const zero: Decimal = { digits: 0n, scale: 0 }

/** Reads `-12.3400`; keeps every digit. Throws a RangeError at anything but a plain decimal. */
export function parseDecimal(text: string): Decimal {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text)
  if (!match) throw new RangeError(`Not a decimal number: ${JSON.stringify(text.slice(0, 40))}`)
  const [, sign, whole = '', fraction = ''] = match
  const digits = BigInt(whole + fraction)
  return { digits: sign === '-' ? -digits : digits, scale: fraction.length }
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return { digits: digitsAt(a, scale) + digitsAt(b, scale), scale }
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale }
}

/** What an order comes to: the sum of quantity × unit price over its items. */
export function orderTotal(items: readonly { quantity: number; unit_price: string }[]): Decimal {
  let total = zero
  for (const item of items) {
    total = add(total, multiply(parseDecimal(String(item.quantity)), parseDecimal(item.unit_price)))
  }
  return total
}

/**
 * `-1234.5` in EUR as `−1,234.50`: as many decimals as the currency has by custom, and more only where the amount
 * has them, because nothing is rounded.
 */
export function formatMoney(amount: Decimal, currency: string): string {
  const custom = minorUnits(currency)
  const digits = amount.digits < 0n ? -amount.digits : amount.digits
  const padded = digits.toString().padStart(amount.scale + 1, '0')
  const whole = padded.slice(0, padded.length - amount.scale)
  const fraction = padded
    .slice(padded.length - amount.scale)
    .replace(/0+$/, '')
    .padEnd(custom, '0')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return `${amount.digits < 0n ? '−' : ''}${grouped}${fraction && `.${fraction}`}`
}

function digitsAt(amount: Decimal, scale: number): bigint {
  return scale === amount.scale ? amount.digits : amount.digits * 10n ** BigInt(scale - amount.scale)
}

const units = new RecentCache<string, number>(256)

/** How many decimals the currency has by custom: 0 for JPY, 2 for EUR, 3 for KWD; 2 for a code nobody knows. */
function minorUnits(currency: string): number {
  const known = units.get(currency)
  if (known !== undefined) return known
  const found = /^[A-Za-z]{3}$/.test(currency)
    ? (new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ??
      2)
    : 2
  units.set(currency, found)
  return found
}

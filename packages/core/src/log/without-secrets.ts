/** Secrets that are known by their form, each with what is left of it. */
const FORMS: [RegExp, string][] = [
  [/\b(acc_|whsec_)[\w+/=-]+/g, '$1…'],
  [/\b(Bearer|Basic) +[\w.~+/=-]{8,}/gi, '$1 …'],
  [/\beyJ[\w-]+\.[\w-]*\.[\w-]*/g, 'eyJ…'],
  [/-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(-----END \1-----|$)/gs, '-----BEGIN $1-----…'],
  // An address with a password in it may be no URL: it is over where a space is.
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*:[^\s]*@/gi, '$1…@'],
  [/\b(https?:\/\/[^\s?#"'<>]*\?)[^\s"'<>)]*/gi, '$1…'],
]

/**
 * Text without the secrets that can be told by their form: API keys, callback secrets, tokens, private keys, what addresses have
 * before their `@`, and the queries of http addresses. What a message has of others nobody can tell: none belongs there.
 */
export function withoutSecrets(text: string): string {
  return FORMS.reduce((rest, [form, left]) => rest.replace(form, left), text)
}

// Two redactors as they are written in JavaScript, as the baselines: all forms in one RegExp, or one form after the other.
'use strict'

/**
 * The forms that src/secret/redaction/encodings.rs lists. Base64 by where the secret begins in a group of three bytes: only the
 * digits that it decides alone.
 * @type {((secret: string) => string)[]}
 */
const FORMS = [
  (secret) => secret,
  ...[0, 1, 2].flatMap((before) => [(secret) => base64(secret, before, 'base64'), (secret) => base64(secret, before, 'base64url')]),
  (secret) => Buffer.from(secret).toString('hex'),
  (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  encodeURIComponent,
  (secret) => encodeURIComponent(secret).replace(/%../g, (percent) => percent.toLowerCase()),
  inJson,
  (secret) => inJson(secret).replaceAll('/', '\\/')
]

function base64(secret, before, encoding) {
  const text = Buffer.from('\0'.repeat(before) + secret).toString(encoding)
  return text.slice(Math.ceil((8 * before) / 6), Math.floor((8 * (before + secret.length)) / 6))
}

function inJson(secret) {
  return JSON.stringify(secret).slice(1, -1)
}

/** @param {string[]} secrets ASCII: what JSON in ASCII would write is then what JSON writes */
function jsRedactors(secrets) {
  const forms = [...new Set(secrets.flatMap((secret) => FORMS.map((form) => form(secret))))]
  // The longest first: an alternation takes the first that fits, and a form that was masked in part is not found.
  forms.sort((one, other) => other.length - one.length)
  const any = new RegExp(forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'g')
  const masks = forms.map((form) => [form, '*'.repeat(form.length)])
  return {
    forms: forms.length,
    regexp: inPlace((text) => text.replace(any, (found) => '*'.repeat(found.length))),
    each: inPlace((text) => masks.reduce((rest, [form, mask]) => rest.replaceAll(form, mask), text))
  }
}

/** Bytes are written only where there was something to mask. @param {(text: string) => string} scrub */
function inPlace(scrub) {
  return (bytes) => {
    const text = bytes.toString('latin1')
    const clean = scrub(text)
    if (clean !== text) bytes.write(clean, 'latin1')
  }
}

module.exports = { jsRedactors }

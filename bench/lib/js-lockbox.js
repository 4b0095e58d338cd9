// What a Lockbox and a Recipient do, by Node's crypto and @hpke/core: the baselines, and where the rows come from.
'use strict'

const { createCipheriv, createDecipheriv, hkdfSync, randomBytes } = require('node:crypto')

const KEM_BYTES = 32
const TIME_BYTES = 8

/** A field with its length before it, as src/secret/lockbox/mod.rs and src/secret/sealed/mod.rs describe. @param {string | Buffer} value */
function field(value) {
  const bytes = Buffer.from(value)
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const fields = (...values) => Buffer.concat(values.map(field))

/** The key and the associated data of each version. */
const VERSIONS = {
  2(master, { tenant, purpose, extra }) {
    const info = [tenant, purpose, extra].join(':')
    return { key: derive(master, 'webalive-oauth-core-v2', info), keyMeta: () => `v2:${info}` }
  },
  3(master, { tenant, purpose, extra, name, rowVersion }) {
    const info = fields(tenant, purpose, extra)
    const number = Buffer.allocUnsafe(8)
    number.writeBigUInt64BE(BigInt(rowVersion))
    const aad = Buffer.concat([field('v3'), info, field(name), field(number)])
    return { key: derive(master, 'webalive-lockbox-v3', info), aad, keyMeta: () => `v3:${idOf(master)}` }
  }
}

const derive = (master, salt, info) => Buffer.from(hkdfSync('sha256', master, salt, info, 32))
const idOf = (master) => derive(master, 'webalive-lockbox-v3', 'master key id').toString('hex', 0, 4)

/** @param {Buffer} master  @param {2 | 3} version  @param {string} text */
function sealRow(master, version, context, text) {
  const { key, aad, keyMeta } = VERSIONS[version](master, context)
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  if (aad) cipher.setAAD(aad)
  const ciphertext = Buffer.concat([cipher.update(text), cipher.final()])
  return { ciphertext, iv, authTag: cipher.getAuthTag(), keyMeta: keyMeta() }
}

/** @returns {Buffer} */
function openRow(master, version, { ciphertext, iv, authTag }, context) {
  const { key, aad } = VERSIONS[version](master, context)
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 }).setAuthTag(authTag)
  if (aad) decipher.setAAD(aad)
  return Buffer.concat([decipher.update(ciphertext), decipher.final()])
}

/** Sealed secrets by another implementation. It is asynchronous, as WebCrypto is. */
async function otherHpke() {
  const { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } = await import('@hpke/core')
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })
  const { publicKey, privateKey } = await suite.kem.generateKeyPair()
  const infoOf = ({ workspace, field, request }) =>
    Buffer.concat([Buffer.from('provider-env-sealed.v1.'), fields(workspace, field, request)])
  return {
    /** Its own public key, as {@link seal} of ours takes it. */
    publicKey: Buffer.from(await suite.kem.serializePublicKey(publicKey)),
    /** @param {Buffer} bytes */
    async seal(bytes, binding) {
      const issued = Buffer.allocUnsafe(TIME_BYTES)
      issued.writeBigUInt64BE(BigInt(Date.now()))
      const sender = await suite.createSenderContext({ recipientPublicKey: publicKey, info: infoOf(binding) })
      const sealed = await sender.seal(bytes, issued)
      return `provider-env-sealed.v1.${Buffer.concat([Buffer.from(sender.enc), issued, Buffer.from(sealed)]).toString('base64url')}`
    },
    /** @param {string} text @returns {Promise<Buffer>} */
    async open(text, binding) {
      const bytes = Buffer.from(text.slice(text.lastIndexOf('.') + 1), 'base64url')
      const [enc, issued] = [bytes.subarray(0, KEM_BYTES), bytes.subarray(KEM_BYTES, KEM_BYTES + TIME_BYTES)]
      const recipient = await suite.createRecipientContext({ recipientKey: privateKey, enc, info: infoOf(binding) })
      return Buffer.from(await recipient.open(bytes.subarray(KEM_BYTES + TIME_BYTES), issued))
    }
  }
}

module.exports = { sealRow, openRow, otherHpke }

/**
 * The name of a client certificate's subject as Apache Kafka sees it: the form of RFC 2253 that Java's
 * X500Principal.getName() gives, most specific part first. It is the name of the client's principal, so ACLs written
 * for Kafka hold here letter by letter.
 */
import { MillraceError } from '../errors.ts'

/** Subject of a certificate in DER. Throws PROTOCOL_ERROR when the bytes are not a certificate. */
export function subjectName(certificate: Buffer): string {
  const toBeSigned = firstIn(read(certificate, 0, certificate.length))
  const fields = elementsOf(toBeSigned)
  // Version (explicit, tag 0) is optional; then serial number, algorithm, issuer, validity, subject.
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4]
  if (subject === undefined) throw malformed()
  return elementsOf(subject)
    .map(relative => elementsOf(relative).map(attributeText).join('+'))
    .toReversed()
    .join(',')
}

interface Element {
  readonly tag: number
  /** Tag, length and content. */
  readonly whole: Buffer
  readonly content: Buffer
}

/** The attributes that RFC 2253 has a keyword for; others are written as numbers. */
const keywords: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
}

function attributeText(attribute: Element): string {
  const [type, value] = elementsOf(attribute)
  if (type === undefined || value === undefined) throw malformed()
  const identifier = objectIdentifier(type.content)
  const keyword = keywords[identifier]
  const text = keyword === undefined ? undefined : stringOf(value)
  return keyword === undefined || text === undefined
    ? `${keyword ?? identifier}=#${value.whole.toString('hex')}`
    : `${keyword}=${escape(text)}`
}

const UTF8 = 0x0c
const PRINTABLE = 0x13
const TELETEX = 0x14
const IA5 = 0x16
const GENERAL = 0x1b
const UNIVERSAL = 0x1c
const BMP = 0x1e

function stringOf({ tag, content }: Element): string | undefined {
  if (tag === UTF8) return content.toString('utf8')
  if (tag === PRINTABLE || tag === IA5 || tag === GENERAL || tag === TELETEX) {
    return content.toString('latin1')
  }
  if (tag === BMP) return Buffer.from(content).swap16().toString('utf16le')
  if (tag !== UNIVERSAL) return undefined
  let text = ''
  for (let at = 0; at + 4 <= content.length; at += 4) {
    text += String.fromCodePoint(Math.min(content.readUInt32BE(at), 0x10_ffff))
  }
  return text
}

function escape(text: string): string {
  return text
    .replace(/[,=+<>#;"\\]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^ +| +$/g, spaces => '\\ '.repeat(spaces.length))
}

function objectIdentifier(content: Buffer): string {
  const numbers: number[] = []
  let value = 0
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    numbers.push(value)
    value = 0
  }
  const [first = 0, ...rest] = numbers
  const top = Math.min(Math.floor(first / 40), 2)
  return [top, first - top * 40, ...rest].join('.')
}

function elementsOf({ content }: Element): Element[] {
  const elements: Element[] = []
  for (let at = 0; at < content.length;) {
    const element = read(content, at, content.length)
    elements.push(element)
    at += element.whole.length
  }
  return elements
}

function firstIn(element: Element): Element {
  const [first] = elementsOf(element)
  if (first === undefined) throw malformed()
  return first
}

function read(bytes: Buffer, at: number, end: number): Element {
  const tag = bytes[at]
  const short = bytes[at + 1]
  if (tag === undefined || short === undefined) throw malformed()
  let start = at + 2
  let length = short
  if (short >= 0x80) {
    const width = short & 0x7f
    if (width === 0 || width > 4 || start + width > end) throw malformed()
    length = bytes.readUIntBE(start, width)
    start += width
  }
  if (start + length > end) throw malformed()
  return {
    tag,
    whole: bytes.subarray(at, start + length),
    content: bytes.subarray(start, start + length),
  }
}

function malformed(): MillraceError {
  return new MillraceError('PROTOCOL_ERROR', 'The certificate of the client cannot be read.')
}

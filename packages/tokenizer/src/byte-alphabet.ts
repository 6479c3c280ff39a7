/*
 * GPT-2's printable spelling of bytes (`bytes_to_unicode` in openai/gpt-2): vocabulary files are text, and a
 * token need not be valid UTF-8, so each byte is written as one visible character. Visible Latin-1 bytes stand for
 * themselves; the other 68 take U+0100, U+0101, … in byte order. A space is `Ġ`, a line feed `Ċ`.
 */

function standsForItself(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

function spellBytes(): readonly string[] {
  let substitutes = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(standsForItself(byte) ? byte : 256 + substitutes++),
  );
}

/** The printable character of each byte, indexed by byte. */
export const byteCharacters: readonly string[] = spellBytes();

const bytesByUnit: number[] = [];
byteCharacters.forEach((character, byte) => {
  bytesByUnit[character.charCodeAt(0)] = byte;
});

/** The 256 bytes in the order of their printable characters: `!` first, space among the last. Base ids follow it. */
export const alphabetOrder: readonly number[] = bytesByUnit.filter((byte) => byte !== undefined);

/** The byte that a character stands for, given as its UTF-16 unit, if it stands for one. */
export function byteOf(unit: number): number | undefined {
  return bytesByUnit[unit];
}

/** Bytes → their printable spelling, one character each. */
export function spell(bytes: Iterable<number>): string {
  let spelling = "";
  for (const byte of bytes) spelling += byteCharacters[byte];
  return spelling;
}

/** Printable spelling → bytes, or undefined when a character stands for no byte. */
export function unspell(spelling: string): Uint8Array | undefined {
  const bytes = new Uint8Array(spelling.length);
  for (let i = 0; i < spelling.length; i++) {
    const byte = byteOf(spelling.charCodeAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

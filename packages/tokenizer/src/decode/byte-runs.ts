/** The byte that a token such as `<0xC3>` is, if it is one. */
export function byteOf(token: string): number | undefined {
  const [, hex] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? [];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}

/** Tokens, and as bytes runs of neighbours such as `<0xC3>` `<0xA9>`. */
export function byteRuns(tokens: readonly string[]): (string | Uint8Array)[] {
  const runs: (string | Uint8Array)[] = [];
  let bytes: number[] = [];
  for (const token of tokens) {
    const byte = byteOf(token);
    if (byte !== undefined) bytes.push(byte);
    else {
      if (bytes.length > 0) runs.push(Uint8Array.from(bytes));
      bytes = [];
      runs.push(token);
    }
  }
  if (bytes.length > 0) runs.push(Uint8Array.from(bytes));
  return runs;
}

// Without `ignoreBOM` a leading U+FEFF would vanish.
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** The text that bytes are; undefined if they are none. */
export function decodeExactly(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Tokens, and as bytes runs of neighbours such as `<0xC3>` `<0xA9>`. */
export function byteRuns(tokens: readonly string[]): (string | Uint8Array)[] {
  const runs: (string | Uint8Array)[] = [];
  let bytes: number[] = [];
  for (const token of tokens) {
    const [, hex] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? [];
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
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

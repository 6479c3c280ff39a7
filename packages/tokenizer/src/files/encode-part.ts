import type { EncodeOptions, Tokenizer } from "../tokenizer.ts";
import type { FilePart } from "./file-parts.ts";

/** How parts of a file are encoded; it can be sent to a worker. */
export interface EncodePartOptions extends EncodeOptions {
  readonly allowedSpecial?: "all" | readonly string[];
  readonly disallowedSpecial?: "all" | readonly string[];
  /** Whether bytes that are not UTF-8 are an error; else they become U+FFFD. */
  readonly fatal?: boolean;
}

/** What became of a part; it can be sent from a worker. */
export type EncodedPart = { readonly ids: Uint32Array<ArrayBuffer> } | PartProblem;

/** What is wrong with a part, and at which byte of the file. */
export interface PartProblem {
  readonly problem: string;
  readonly offset: number;
}

/** The ids of a part, or what is wrong with it. */
export function encodePart(tokenizer: Tokenizer, part: FilePart, options: EncodePartOptions): EncodedPart {
  const text = decode(part.bytes, options.fatal);
  if (text === undefined) {
    return { problem: "this is not UTF-8", offset: part.offset + firstInvalid(part.bytes) };
  }
  try {
    const ids = tokenizer.encode(text, options) as Uint32Array<ArrayBuffer>;
    return { ids: part.anchor === 0 ? ids : withoutAnchor(tokenizer, ids, part, options) };
  } catch (error) {
    const { name, message } = error as Error;
    return { problem: `in the part that begins here, ${name}: ${message}`, offset: part.offset };
  }
}

function withoutAnchor(
  tokenizer: Tokenizer,
  ids: Uint32Array<ArrayBuffer>,
  { bytes, anchor }: FilePart,
  options: EncodePartOptions,
): Uint32Array<ArrayBuffer> {
  const anchorIds = tokenizer.encode(decode(bytes.subarray(0, anchor)) as string, options);
  return ids.subarray(anchorIds.length);
}

/** The text of the bytes; undefined if they are not UTF-8 and must be. */
function decode(bytes: Uint8Array, fatal = false): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Where the first character begins that is none. */
function firstInvalid(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let valid = 0;
  try {
    for (let i = 0; i < bytes.length; i++) {
      if (decoder.decode(bytes.subarray(i, i + 1), { stream: true }) !== "") valid = i + 1;
    }
  } catch {
    // The byte that the decoder refuses ends a character that began after the last whole one.
  }
  return valid;
}

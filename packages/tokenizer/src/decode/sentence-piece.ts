import { asBoolean, asString, type JsonObject } from "../formats/json.ts";
import { byteRuns, decodeExactly } from "./byte-runs.ts";
import type { Decoder } from "./decoders.ts";

/**
 * SentencePiece's decoder: `▁` is a space, but where the text begins; the unknown token has a surface of its own, and
 * each byte that is no part of a character is a U+FFFD.
 */
export function sentencePieceDecoder(rules: JsonObject, place: string): Decoder {
  const unknown = asString(rules.unk_piece, `${place}.unk_piece`);
  const surface = asString(rules.unk_surface, `${place}.unk_surface`);
  const adds = asBoolean(rules, "add_dummy_prefix", place, true);
  const removes = asBoolean(rules, "remove_extra_whitespaces", place, true);
  const hasBytes = asBoolean(rules, "byte_fallback", place, false);
  return (tokens) => {
    let dropsSpace = adds || removes;
    const show = (token: string): string => {
      const drops = dropsSpace && token.startsWith("▁");
      const text = token === unknown ? surface : token.slice(drops ? 1 : 0).replaceAll("▁", " ");
      if (text !== "" || (drops && !removes)) dropsSpace = false;
      return text;
    };
    const showBytes = (bytes: Uint8Array): string => {
      dropsSpace = false;
      return decodeEach(bytes);
    };
    const runs = hasBytes ? byteRuns(tokens) : tokens;
    return runs.map((run) => (typeof run === "string" ? show(run) : showBytes(run)));
  };
}

function decodeEach(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i] as number;
    const width = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const character = decodeExactly(bytes.subarray(i, i + width));
    text += character ?? "\ufffd";
    i += character === undefined ? 1 : width;
  }
  return text;
}

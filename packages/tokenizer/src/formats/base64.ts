import { MalformedTokenizerError } from "../errors.ts";

/** @throws MalformedTokenizerError naming `place` */
export function decodeBase64(base64: string, place: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new MalformedTokenizerError(place, `${JSON.stringify(base64.slice(0, 60))} is not base64.`, { cause });
  }
}

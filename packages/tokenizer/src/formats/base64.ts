import { MalformedTokenizerError } from "../errors.ts";

/** @throws MalformedTokenizerError naming `place` */
export function decodeBase64(base64: string, place: string): Uint8Array {
  try {
    const binary = atob(base64);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
  } catch (cause) {
    throw new MalformedTokenizerError(place, `${JSON.stringify(base64.slice(0, 60))} is not base64.`, { cause });
  }
}

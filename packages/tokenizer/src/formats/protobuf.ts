import { decodeExactly } from "../decode/byte-runs.ts";
import { MalformedTokenizerError } from "../errors.ts";

/** One field of a message: a number (varint, or 32 bits as they are) or bytes. */
export interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
  /** What errors call it. */
  readonly place: string;
}

/**
 * The fields of a protobuf message, in order; those of 64 bits are passed over.
 *
 * @throws MalformedTokenizerError where the message ends too early or holds what no message can
 */
function* readFields(bytes: Uint8Array, message: string): Generator<Field> {
  let at = 0;
  const varint = (place: string): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new MalformedTokenizerError(place, `it ends within a number, at byte ${at - 1}.`);
      if (factor > 2 ** 63) throw new MalformedTokenizerError(place, `a number at byte ${at} is too long.`);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const take = (length: number, place: string): Uint8Array => {
    if (length > bytes.length - at)
      throw new MalformedTokenizerError(
        place,
        `${length} bytes should follow byte ${at}, of ${bytes.length}: it is cut short or damaged.`,
      );
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint(message);
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    const place = `${message}, field ${number}`;
    if (wire === 0) yield { number, value: varint(place), place };
    else if (wire === 1) take(8, place);
    else if (wire === 2) yield { number, value: take(varint(place), place), place };
    else if (wire === 5) yield { number, value: uint32(take(4, place)), place };
    else throw new MalformedTokenizerError(place, `wire type ${wire} at byte ${at - 1} is none of protobuf's.`);
  }
}

function uint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** What a message says, by the numbers of its fields; the last counts where one is there twice. */
export function readMessage<Values extends object>(
  bytes: Uint8Array,
  message: string,
  readers: { readonly [Number in keyof Values]: (field: Field) => Values[Number] },
): Partial<Values> {
  const values: Partial<Values> = {};
  for (const field of readFields(bytes, message)) {
    const number = field.number as keyof Values;
    if (Object.hasOwn(readers, number)) values[number] = readers[number](field);
  }
  return values;
}

export function bytesOf({ value, place }: Field): Uint8Array {
  if (typeof value !== "number") return value;
  throw new MalformedTokenizerError(place, "expected bytes, found a number.");
}

export function numberOf({ value, place }: Field): number {
  if (typeof value === "number") return value;
  throw new MalformedTokenizerError(place, "expected a number, found bytes.");
}

/** A number of 32 bits as the float that they are. */
export function floatOf(field: Field): number {
  return new Float32Array(Uint32Array.of(numberOf(field)).buffer)[0] as number;
}

export function flagOf(field: Field): boolean {
  return numberOf(field) !== 0;
}

/** @throws MalformedTokenizerError if it is not UTF-8 */
export function textOf(field: Field): string {
  const text = decodeExactly(bytesOf(field));
  if (text !== undefined) return text;
  throw new MalformedTokenizerError(field.place, "it is not UTF-8.");
}

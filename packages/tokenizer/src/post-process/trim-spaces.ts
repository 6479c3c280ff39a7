const SPACE = /[Ġ\p{White_Space}]/u;

/**
 * Takes the spaces at the ends of byte-level tokens out of their offsets; "first": but for the one before the text, which
 * the tokenizer may have put there.
 */
export function trimSpaces(
  text: string,
  offsets: Uint32Array,
  token: (index: number) => string,
  trims: true | "first",
): void {
  for (let index = 0; 2 * index < offsets.length; index++) {
    const spelling = token(index);
    let leading = 0;
    while (leading < spelling.length && SPACE.test(spelling.charAt(leading))) leading++;
    let trailing = 0;
    while (trailing < spelling.length && SPACE.test(spelling.charAt(spelling.length - 1 - trailing))) trailing++;
    let [start, end] = [offsets[2 * index] as number, offsets[2 * index + 1] as number];
    const keepsOne = trims === "first" && (index === 0 || start === 0) && leading === 1;
    start = Math.min(start + leading - (keepsOne ? 1 : 0), end);
    if (end >= trailing) end = Math.max(wholeCharacter(text, end - trailing), start);
    offsets[2 * index] = start;
    offsets[2 * index + 1] = end;
  }
}

/** A place between two characters: the reference counts code points. */
function wholeCharacter(text: string, place: number): number {
  return place > 0 && (text.codePointAt(place - 1) as number) > 0xffff ? place - 1 : place;
}

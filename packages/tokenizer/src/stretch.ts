/** Where each UTF-16 unit of a text that was changed stood in the original: begin and end, end exclusive. */
interface Alignment {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/**
 * Changes a text. If `sources` is given, it gets, for each UTF-16 unit of the result, the index of the unit in `text`
 * that it stands for: offsets follow that way, and cost nothing where nobody asks for them.
 */
export type Edit = (text: string, sources?: number[]) => string;

/** A stretch of text on its way to the model; if offsets are asked for, it knows where it comes from. */
export class Stretch {
  readonly text: string;
  /** Whether the stretch is the beginning of the whole text. */
  readonly isFirst: boolean;
  private readonly alignment: Alignment | undefined;

  constructor(text: string, isFirst: boolean, alignment?: Alignment) {
    this.text = text;
    this.isFirst = isFirst;
    this.alignment = alignment;
  }

  /** A whole text that remembers its offsets. Both halves of a surrogate pair stand for the whole character. */
  static withOffsets(text: string, isFirst = true): Stretch {
    const starts = new Uint32Array(text.length);
    const ends = new Uint32Array(text.length);
    for (let i = 0; i < text.length; ) {
      const end = i + ((text.codePointAt(i) as number) > 0xffff ? 2 : 1);
      starts.fill(i, i, end);
      ends.fill(end, i, end);
      i = end;
    }
    return new Stretch(text, isFirst, { starts, ends });
  }

  slice(start: number, end: number): Stretch {
    const { alignment: all } = this;
    const alignment = all && { starts: all.starts.subarray(start, end), ends: all.ends.subarray(start, end) };
    return new Stretch(this.text.slice(start, end), this.isFirst && start === 0, alignment);
  }

  apply(edit: Edit): Stretch {
    const { alignment } = this;
    if (alignment === undefined) return new Stretch(edit(this.text), this.isFirst);
    const sources: number[] = [];
    const text = edit(this.text, sources);
    const from = (places: Uint32Array): Uint32Array => Uint32Array.from(sources, (index) => places[index] as number);
    return new Stretch(text, this.isFirst, { starts: from(alignment.starts), ends: from(alignment.ends) });
  }

  /** Where the units `start` to `end` stood in the original; undefined if offsets were not asked for. */
  original(start: number, end: number): readonly [start: number, end: number] | undefined {
    const { alignment } = this;
    return alignment && [alignment.starts[start] ?? 0, alignment.ends[end - 1] ?? 0];
  }
}

/** Replaces all matches; what comes instead stands for the last unit of the match. */
export function replaceMatches(pattern: RegExp, replacement: (match: string) => string): Edit {
  return (text, sources) => {
    if (sources === undefined) return text.replace(pattern, replacement);
    let edited = "";
    let copied = 0;
    const copyUpTo = (end: number): void => {
      edited += text.slice(copied, end);
      while (copied < end) sources.push(copied++);
    };
    for (const match of text.matchAll(pattern)) {
      copyUpTo(match.index);
      const instead = replacement(match[0]);
      copied += match[0].length;
      for (let i = 0; i < instead.length; i++) sources.push(copied - 1);
      edited += instead;
    }
    copyUpTo(text.length);
    return edited;
  };
}

/** A text of which parts are replaced, from left to right; what comes instead stands for the units it replaces. */
export class Rewriting {
  private readonly text: string;
  private readonly sources: number[] | undefined;
  private edited = "";
  private copied = 0;

  constructor(text: string, sources: number[] | undefined) {
    this.text = text;
    this.sources = sources;
  }

  replace(start: number, end: number, replacement: string): void {
    const { sources } = this;
    this.edited += this.text.slice(this.copied, start) + replacement;
    if (sources !== undefined) {
      for (let i = this.copied; i < start; i++) sources.push(i);
      for (let k = 0; k < replacement.length; k++) sources.push(Math.max(start, Math.min(start + k, end - 1)));
    }
    this.copied = end;
  }

  finish(): string {
    this.replace(this.text.length, this.text.length, "");
    return this.edited;
  }
}

/** Puts `prefix` before a text that is not empty. It stands for the text's first unit. */
export function prepend(prefix: string): Edit {
  return (text, sources) => {
    if (text === "") return text;
    for (let i = -prefix.length; sources !== undefined && i < text.length; i++) sources.push(Math.max(0, i));
    return prefix + text;
  };
}

/** One edit after the other. */
export function inSequence(edits: readonly Edit[]): Edit {
  return (text, sources) => {
    let stretch = sources === undefined ? new Stretch(text, true) : Stretch.withOffsets(text);
    for (const edit of edits) stretch = stretch.apply(edit);
    for (let i = 0; sources !== undefined && i < stretch.text.length; i++) {
      sources.push((stretch.original(i, i + 1) as readonly [number, number])[0]);
    }
    return stretch.text;
  };
}

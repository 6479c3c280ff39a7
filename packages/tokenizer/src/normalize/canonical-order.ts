/**
 * The text decomposed, with each run of marks in canonical order (Unicode Standard, section 3.11): sorted by combining
 * class, those of one class as they were. In n log n steps for a run of n marks, where `String.normalize` takes n².
 */
export function inCanonicalOrder(text: string, form: "NFD" | "NFKD"): string {
  const ordered: string[] = [];
  let marks: string[] = [];
  const flush = (): void => {
    for (const mark of sortMarks(marks)) ordered.push(mark);
    marks = [];
  };
  const parts = remembering((character) => [...character.normalize(form)]);
  const isMark = remembering((part) => EXTREMES.some((mark) => swaps(part, mark) || swaps(mark, part)));
  for (const character of text) {
    for (const part of parts(character)) {
      if (isMark(part)) marks.push(part);
      else {
        flush();
        ordered.push(part);
      }
    }
  }
  flush();
  return ordered.join("");
}

/** Marks of the lowest and the highest combining class: any mark changes places with one of them. */
const EXTREMES = ["\u0334", "\u0345"];

/** Whether canonical order has two characters the other way round. */
function swaps(first: string, second: string): boolean {
  return first !== second && (first + second).normalize("NFD") === second + first;
}

function sortMarks(marks: readonly string[]): readonly string[] {
  if (marks.length < 2) return marks;
  const compare = (a: string, b: string): number => (swaps(a, b) ? 1 : swaps(b, a) ? -1 : 0);
  const ranks = new Map<string, number>();
  let [rank, before] = [0, ""];
  for (const mark of [...new Set(marks)].sort(compare)) {
    if (before !== "" && compare(before, mark) !== 0) rank++;
    ranks.set(mark, rank);
    before = mark;
  }
  const rankOf = (mark: string): number => ranks.get(mark) as number;
  return [...marks].sort((a, b) => rankOf(a) - rankOf(b));
}

function remembering<T>(compute: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) {
      value = compute(key);
      known.set(key, value);
    }
    return value;
  };
}

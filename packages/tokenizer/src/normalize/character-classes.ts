/*
 * Made by ../fixtures/make-character-classes.py: character classes as Hugging Face's tokenizers have them. They are those
 * of the JavaScript engine, but for the gaps where its tables have newer characters than Hugging Face's. Each number is
 * the distance from the gap before, a dot adds length.
 */

const PUNCTUATION_GAPS = "17g.1 no.am 2.le 2ij.4r 8.4a 3m0.cd 17dp.x5 h0.ez an.6v 4.2ls 6.dtk 60.g2h 5wu.l9wz";

const NONSPACING_MARKS_GAPS =
  "1kk.x 1z.3q 76.s 6c.s 26.7 4s.1o 4n.s 2.1q 10.2t 6p k.21 1rr.4a eu.1t l3.5 rak.4c 2.q j.1f 48.13 j5v.109 1z.1j 1p.1w 5c.a 4.2p a.4m 10.1l 1m.8t hm.gjn 20.uv 5.f7t 3.43r 1u2.2sf 8.gzl4";

const MARKS_GAPS =
  "1kk.x 1z.3b 7l.s 6c.s 26.7 4v.1l 4n.s 4.1l 13.t 8p k.21 1ku.s 65.3a fv.1s dy.2 73.4 ram.2f 37.1f jb6.108 20.1j 1p.1w 1i.1p 27.8 4.2m k.4f 12.1j 1m.5b j.2w hp.zm 3t.fg8 20.t5 1b.f 5.f7t 3.43p 2x3.1pg";

/** Members without gaps, as a class of a regular expression with flag `v`. */
function classWithout(members: string, gaps: string): string {
  let end = 0;
  const ranges = gaps.replace(/(\w+)\.?(\w*) ?/g, (_, distance: string, length: string) => {
    const start = end + Number.parseInt(distance, 36);
    end = start + Number.parseInt(length || "0", 36);
    return `\\u{${start.toString(16)}}-\\u{${end.toString(16)}}`;
  });
  return `[[${members}]--[${ranges}]]`;
}

/** P and the ASCII symbols. */
export const punctuation = (): string => classWithout(String.raw`\p{P}$+<=>\^\`\|~\u166d\u{111c9}`, PUNCTUATION_GAPS);

/** Mn. */
export const nonspacingMarks = (): string => classWithout(String.raw`\p{Mn}\u1734\u{1171e}`, NONSPACING_MARKS_GAPS);

/** M. */
export const marks = (): string => classWithout(String.raw`\p{M}\u1cf2\u1cf3`, MARKS_GAPS);

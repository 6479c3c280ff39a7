import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/**
 * Plays that nobody wrote: scenes drawn from a small grammar of stage English, for machines without a network.
 * The same `seed` gives the same text. `length` is the least number of characters.
 */
export function generatedPlays(length: number, seed: number): string {
  const generator = xoroshiro128plus(seed);
  const pick: Pick = (list) => list[uniformInt(generator, 0, list.length - 1)] as string;
  const speeches: string[] = [];
  for (let written = 0; written < length; ) {
    const speech = `${pick(speakers)}:\n${speechLines(pick)}\n`;
    speeches.push(speech);
    written += speech.length + 1;
  }
  return speeches.join("\n");
}

type Pick = (list: readonly string[]) => string;

function speechLines(pick: Pick): string {
  const count = Number(pick(["1", "2", "3", "4", "5"]));
  return Array.from({ length: count }, () => capitalised(expand(pick(lines), pick))).join("\n");
}

/** Replaces every `<kind>` in a line by a word of that kind. */
const expand = (line: string, pick: Pick): string =>
  line.replace(/<(\w+)>/g, (_, kind: string) => pick(words[kind as keyof typeof words]));

const capitalised = (line: string): string => line.charAt(0).toUpperCase() + line.slice(1);

const speakers = ["ALDWIN", "BERTRANE", "CORISANDE", "DUKE OSRIN", "ELVIRA", "FIRST WATCHMAN", "GASPARD"].concat(
  ["HELMETTA", "KING ULRIC", "LADY MARGERY", "OLD PERKIN", "PRINCE LEONT", "QUEEN ISAURA", "SECOND WATCHMAN"],
  ["SEXTON", "VALERIAN"],
);

const lines = [
  "my <good> lord, the <noun> doth <verb> upon the <noun>,",
  "and I, that <verb> the <noun>, must <verb> no more.",
  "what <noun> is this, that <verbs> so <good> a <noun>?",
  "if thou wilt <verb> with me, then <verb> this <noun>;",
  "for every <noun> hath its <ill> <noun> at last.",
  "thou <ill> <noun>! wouldst thou <verb> thy king?",
  "O <good> <noun>, that ever I did <verb> thee!",
  "they say the <noun> <verbs> where the <noun> lies,",
  "but he that <verbs> shall never know the <noun>.",
  "come, <verb> thy <noun>, and let the <noun> be <good>.",
  "nay, speak not of the <noun>; 'tis <ill> and <ill>.",
  "I'll <verb> the <noun> before the <noun> be up.",
  "ay, marry, so the <good> <noun> would have it.",
  "who <verbs> there? stand, and <verb> yourself!",
  "let not the <ill> <noun> make thee <verb>, my heart;",
  "the <noun> of <place> hath sent his <noun> to <place>,",
  "as <good> as <noun>, as <ill> as any <noun>.",
  "go, bid the <noun> of <place> <verb> with speed.",
];

const words = {
  noun: "night crown sword sea grave rose raven moon tongue heart throne brother daughter tempest oath letter ring mercy shadow candle winter garden messenger castle sorrow fortune traitor summer horse kingdom".split(
    " ",
  ),
  verb: "weep speak follow forgive remember tremble answer keep hide seek bury crown betray wake swear love fear lose find serve".split(
    " ",
  ),
  verbs:
    "weeps speaks follows forgives remembers trembles answers keeps hides seeks buries crowns betrays wakes swears loves fears loses finds serves".split(
      " ",
    ),
  good: "gentle noble sweet honest gracious royal fair golden valiant tender holy patient".split(" "),
  ill: "bitter false cruel wretched foul idle bloody cold jealous hollow weary wicked".split(" "),
  place: "Arden Corinth Hallow Marches Navarre Tamar Ghent Thessaly".split(" "),
} as const;

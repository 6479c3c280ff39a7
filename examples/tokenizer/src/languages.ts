import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "@tessera-examples/common";
import { readText } from "@tessera-lm/data/node";

/** The same sentences in one language. */
export interface LanguageSample {
  readonly language: string;
  readonly text: string;
  readonly sentences: number;
}

/** Text files of the same sentences, one language each, named by it as in FLORES-200: `deu_Latn.txt`. */
export async function readLanguages(folder: string): Promise<LanguageSample[]> {
  const names = await readdir(folder).catch(() => {
    throw new UsageError(`${folder} is not a folder that can be read; give one with a .txt file for each language.`);
  });
  const files = names.filter((name) => name.endsWith(".txt"));
  if (files.length === 0) throw new UsageError(`${folder} holds no .txt files, one for each language.`);
  return Promise.all(
    files.map(async (file) => {
      const path = join(folder, file);
      const read = sample(languageName(file.slice(0, -".txt".length)), await readText(path));
      if (read.sentences === 0) throw new UsageError(`${path} has no sentence; each line should be one.`);
      return read;
    }),
  );
}

export const humanRightsName = "Article 1 of the Universal Declaration of Human Rights";

/** What is compared where no folder is named. */
export function humanRights(): LanguageSample[] {
  return Object.entries(articles).map(([code, text]) => sample(languageName(code), text));
}

function sample(language: string, text: string): LanguageSample {
  return { language, text, sentences: text.split("\n").filter((line) => line.trim() !== "").length };
}

function languageName(code: string): string {
  const [language = code] = code.split("_");
  return new Intl.DisplayNames("en", { type: "language", fallback: "code" }).of(language) ?? code;
}

const articles: Readonly<Record<string, string>> = {
  en: "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.",
  de: "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
  fr: "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
  es: "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y conciencia, deben comportarse fraternalmente los unos con los otros.",
  it: "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di coscienza e devono agire gli uni verso gli altri in spirito di fratellanza.",
  fi: "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille on annettu järki ja omatunto, ja heidän on toimittava toisiaan kohtaan veljeyden hengessä.",
  pl: "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa.",
  ru: "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.",
  el: "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης.",
  he: "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון, לפיכך חובה עליהם לנהוג איש ברעהו ברוח של אחווה.",
  ar: "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميرًا وعليهم أن يعامل بعضهم بعضًا بروح الإخاء.",
  hi: "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए।",
  th: "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ",
  zh: "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
  ja: "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
  ko: "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
};

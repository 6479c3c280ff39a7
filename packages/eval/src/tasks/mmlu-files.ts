import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { CsvError, type Options, parse } from "csv-parse/sync";
import { MalformedTaskFileError, MissingTaskFileError, UnknownSubjectError } from "../errors.ts";
import type { MmluQuestion, MmluSubject } from "./mmlu.ts";

export interface LoadMmluOptions {
  /** Subjects to read, such as `anatomy`. Default: all that the folder holds, in alphabetical order. */
  readonly subjects?: readonly string[];
}

/**
 * Reads MMLU in the layout of its authors: `dev/<subject>_dev.csv` and `test/<subject>_test.csv`, each line a question,
 * four choices and a letter.
 * @throws MissingTaskFileError when a file or folder is missing.
 * @throws MalformedTaskFileError when a line has another number of columns, or its answer is not A, B, C or D.
 * @throws UnknownSubjectError when the folder does not hold a subject of `subjects`.
 */
export async function loadMmlu(folder: string, options: LoadMmluOptions = {}): Promise<MmluSubject[]> {
  const present = await listSubjects(join(folder, "test"));
  const wanted = options.subjects ?? present;
  for (const name of wanted) if (!present.includes(name)) throw new UnknownSubjectError(name, present);
  return Promise.all(
    wanted.map(async (name) => ({
      name,
      dev: await readQuestions(join(folder, "dev", `${name}_dev.csv`)),
      test: await readQuestions(join(folder, "test", `${name}_test.csv`)),
    })),
  );
}

const ADVICE = "; give the folder that holds dev and test";

async function listSubjects(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => unreadable(folder, cause, ADVICE));
  const subjects = names.filter((name) => name.endsWith("_test.csv")).map((name) => name.slice(0, -"_test.csv".length));
  if (subjects.length > 0) return subjects.sort();
  throw new MissingTaskFileError(folder, `the folder holds no <subject>_test.csv${ADVICE}`);
}

async function readQuestions(path: string): Promise<MmluQuestion[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => unreadable(path, cause));
  const questions = parseRecords(text, path).map(({ record, info }) => toQuestion(record, path, info.lines));
  if (questions.length === 0) throw new MalformedTaskFileError(path, 1, "the file holds no question");
  return questions;
}

function unreadable(path: string, cause: unknown, advice = ""): never {
  const missing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  throw new MissingTaskFileError(path, missing ? `not found${advice}` : `cannot be read (${String(cause)})`, { cause });
}

/** A line as csv-parse gives it, with the number of the file's line where it ends. */
interface CsvLine {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

const CSV_OPTIONS: Options = {
  bom: true,
  info: true,
  skip_empty_lines: true,
  record_delimiter: ["\r\n", "\n"],
  // Quotes inside a field that is not quoted are ordinary characters in these files.
  relax_quotes: true,
  // Counted below, where the message can say what is wrong.
  relax_column_count: true,
};

function parseRecords(text: string, path: string): CsvLine[] {
  try {
    return parse(text, CSV_OPTIONS) as unknown as CsvLine[];
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new MalformedTaskFileError(path, Number(cause.lines ?? 1), cause.message, { cause });
  }
}

function toQuestion(fields: readonly string[], path: string, line: number): MmluQuestion {
  if (!isQuestion(fields)) {
    const expected = "expected 6 columns (question, A, B, C, D, answer)";
    throw new MalformedTaskFileError(path, line, `${expected}, found ${fields.length}`);
  }
  const [question, a, b, c, d, letter] = fields;
  const answer = ["A", "B", "C", "D"].indexOf(letter);
  if (answer < 0) {
    throw new MalformedTaskFileError(path, line, `the answer is ${JSON.stringify(letter)}; expected A, B, C or D`);
  }
  return { question, choices: [a, b, c, d], answer };
}

type QuestionFields = readonly [string, string, string, string, string, string];

const isQuestion = (fields: readonly string[]): fields is QuestionFields => fields.length === 6;

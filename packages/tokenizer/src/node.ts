import { randomUUID } from "node:crypto";
import { lstat, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChatTemplate } from "./chat/chat-template.ts";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "./errors.ts";
import { MissingTokenizerError, SaveTokenizerError } from "./files/errors.ts";
import { withFolderTokens } from "./formats/folder-tokens.ts";
import { tokenizerFromGpt2Files } from "./formats/gpt2-files.ts";
import { type JsonObject, parseJson } from "./formats/json.ts";
import { qwen2Tokenizer } from "./formats/qwen2-files.ts";
import { describeConfig } from "./formats/tokenizer-config.ts";
import { tokenizerFromFile } from "./formats/tokenizer-file.ts";
import { tokenizerToJson } from "./formats/write-tokenizer-json.ts";
import type { Tokenizer } from "./tokenizer.ts";

export { type EncodeFileOptions, encodeFile } from "./encode-file.ts";
export { EncodeFileError, MissingTokenizerError, SaveTokenizerError } from "./files/errors.ts";

/** Names under which folders have a tokenizer in one file; the first that is there counts. */
const SINGLE_FILES = ["tokenizer.json", "tokenizer.model", "spiece.model", "vocab.txt"] as const;

/** File names of GPT-2's format: OpenAI's own, and those of the Hugging Face hub. */
const GPT2_FILES = [
  ["encoder.json", "vocab.bpe"],
  ["vocab.json", "merges.txt"],
] as const;

/**
 * Reads a tokenizer from disk.
 *
 * @param place a `tokenizer.json`, a SentencePiece `.model`, Llama 3's `.model`, a `.tiktoken` file that OpenAI
 *   published, or BERT's `vocab.txt`, known by their content; or a folder with one of them (`tokenizer.json` first), or
 *   else with GPT-2's files (`encoder.json` and `vocab.bpe`, or `vocab.json` and `merges.txt`) or Qwen2's
 * @throws MissingTokenizerError if there is none
 * @throws MalformedTokenizerError naming the file and the entry at fault
 * @throws UnsupportedTokenizerError naming the part that this package does not implement
 */
export async function loadTokenizer(place: string | URL): Promise<Tokenizer> {
  const path = place instanceof URL ? fileURLToPath(place) : place;
  if (!(await isFolder(path))) return loadFile(path);
  for (const name of SINGLE_FILES) {
    if (!(await exists(join(path, name)))) continue;
    const tokenizer = await loadFile(join(path, name));
    return name.endsWith(".model") ? withAddedTokens(tokenizer, path) : tokenizer;
  }
  for (const [encoder, merges] of GPT2_FILES) {
    if (await exists(join(path, merges))) return loadGpt2Files(path, encoder, merges);
  }
  const others = (await readdir(path)).filter((name) => /\.(model|tiktoken)$/.test(name));
  if (others.length === 1) return loadFile(join(path, others[0] as string));
  const wanted = [...SINGLE_FILES, ...GPT2_FILES.map((names) => names.join(" + "))].join(", or ");
  throw new MissingTokenizerError(
    path,
    `the folder holds no tokenizer; expected ${wanted}, or one other .model or .tiktoken file.`,
  );
}

/**
 * Writes `tokenizer.json` and `tokenizer_config.json` into a folder, which is made if needed; `transformers` opens it
 * with `AutoTokenizer`. Each file is written aside, synced and renamed: there is never half a file.
 *
 * @throws SaveTokenizerError if the disk does not let it
 * @throws UnsupportedTokenizerError for a tokenizer that this package did not make
 */
export async function saveTokenizer(tokenizer: Tokenizer, folder: string): Promise<void> {
  const files = { "tokenizer.json": tokenizerToJson(tokenizer), "tokenizer_config.json": describeConfig(tokenizer) };
  try {
    await makeFolders(resolve(folder));
    for (const [name, text] of Object.entries(files)) await replaceFile(join(folder, name), text);
  } catch (cause) {
    throw new SaveTokenizerError(folder, { cause });
  }
}

/**
 * Reads the chat template of a model folder: `tokenizer_config.json`, and `chat_template.jinja` if there is one.
 *
 * @param name which, where there are several, such as "tool_use"; "default" if none is named
 * @throws MissingTokenizerError, MalformedTokenizerError if the folder's files are not there, or not what they must be
 * @throws TemplateError if there is no template of that name, or it is wrong
 */
export async function loadChatTemplate(folder: string, name?: string): Promise<ChatTemplate> {
  const { chatTemplateFromFiles } = await import("./chat.ts"); // here, so that Jinja is loaded by its users alone
  const config = await readFileOrThrow(join(folder, "tokenizer_config.json"));
  const path = join(folder, "chat_template.jinja");
  const files = (await exists(path)) ? { config, template: await readFileOrThrow(path) } : { config };
  return naming(folder, () => chatTemplateFromFiles(files, name));
}

async function loadFile(path: string): Promise<Tokenizer> {
  const bytes = await readBytesOrThrow(path);
  if (bytes.length === 0) throw new MalformedTokenizerError(path, "it is empty.");
  const config = await readConfig(dirname(path));
  const lowercase = typeof config.do_lower_case === "boolean" ? { lowercase: config.do_lower_case } : {};
  return naming(path, () => tokenizerFromFile(bytes, lowercase));
}

async function withAddedTokens(tokenizer: Tokenizer, folder: string): Promise<Tokenizer> {
  const path = join(folder, "added_tokens.json");
  const names = (await exists(path)) ? parseJson(await readFileOrThrow(path), path) : {};
  const config = await readConfig(folder);
  return naming(folder, () => withFolderTokens(tokenizer, config, names));
}

/** Other models reuse the two file names with another split pattern, which only the configuration tells. */
async function loadGpt2Files(folder: string, encoderName: string, mergesName: string): Promise<Tokenizer> {
  const config = await readConfig(folder);
  const encoder = await readFileOrThrow(join(folder, encoderName));
  const merges = await readFileOrThrow(join(folder, mergesName));
  const place = `${folder} (${encoderName}, ${mergesName})`;
  const { tokenizer_class: name = "GPT2Tokenizer" } = config;
  if (String(name).startsWith("GPT2Tokenizer")) return naming(place, () => tokenizerFromGpt2Files({ encoder, merges }));
  if (String(name).startsWith("Qwen2Tokenizer"))
    return naming(place, () => qwen2Tokenizer({ encoder, merges }, config));
  throw new UnsupportedTokenizerError(
    `tokenizer_class ${JSON.stringify(name)} of ${join(folder, "tokenizer_config.json")}`,
    "without a tokenizer.json only GPT-2's and Qwen2's are; give its split pattern and special tokens to tokenizerFromGpt2Files.",
  );
}

async function readConfig(folder: string): Promise<JsonObject> {
  const path = join(folder, "tokenizer_config.json");
  return (await exists(path)) ? parseJson(await readFileOrThrow(path), path) : {};
}

/** Adds the path to errors about the content of a file. */
function naming<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnsupportedTokenizerError)
      throw new UnsupportedTokenizerError(`${error.feature} in ${path}`, error.supported);
    if (!(error instanceof MalformedTokenizerError)) throw error;
    const place = basename(path) === error.place ? path : `${path}, ${error.place}`;
    throw new MalformedTokenizerError(place, error.problem, { cause: error });
  }
}

async function readFileOrThrow(path: string): Promise<string> {
  return new TextDecoder().decode(await readBytesOrThrow(path)); // without a byte order mark
}

async function readBytesOrThrow(path: string): Promise<Buffer> {
  const found = await stat(path).catch(() => undefined);
  if (found && !found.isFile() && !found.isDirectory()) {
    throw new MissingTokenizerError(path, "it is not a regular file."); // a pipe would be waited for
  }
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MissingTokenizerError(path, reasonOf(cause as NodeJS.ErrnoException), { cause });
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT") return "it is not there.";
  return code === "EISDIR" ? "it is a folder, and a file is needed." : `it cannot be read (${message}).`;
}

/** Not mkdir's own `recursive`, which never ends where a folder exists but takes no children, such as /proc. */
async function makeFolders(path: string): Promise<void> {
  if (await lstat(path).catch(() => undefined)) return;
  await makeFolders(dirname(path));
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error; // somebody else was faster
  });
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

export type { ChatMessage, ChatTemplate, RenderChatOptions } from "./chat/chat-template.ts";

import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { writeFolderAtomic } from "@tessera-lm/weights/node";
import { requirePositive } from "./check.ts";
import { DataOptionError, EmptyTextError } from "./errors.ts";
import { dtypeFor, HEADER_FILE, headerToJson, PARTS, type Part, type ShardHeader } from "./shard-format.ts";
import { ShardWriter } from "./shard-writer.ts";
import { requireFractions, type SplitFractions } from "./split.ts";
import { tokenizerFingerprint } from "./tokenizer-fingerprint.ts";

/** The fractions are shares of the documents, in the long run; a document is never cut between parts. */
export interface WriteTokenShardsOptions extends SplitFractions {
  readonly documents: Iterable<string> | AsyncIterable<string>;
  readonly tokenizer: Tokenizer;
  /** The special token that ends every document, such as `<|endoftext|>`. Default: none. */
  readonly endOfDocument?: string;
  /** Tokens in a file at most. Default: 100 million (200 MB of uint16). */
  readonly shardSize?: number;
}

/** How many tokens each part received. */
export type TokenCounts = Readonly<Record<Part, number>>;

/**
 * Tokenizes documents one by one into a folder of token shards, which appears whole or not at all. Memory holds one
 * document, three small buffers and the positions of the documents of a file.
 *
 * Which part a document falls into is decided by a hash of its text: the same document always falls into the same one,
 * so an exact duplicate of a test document is never trained on, and more documents do not move those before.
 * @throws DataOptionError, EmptyTextError, WriteError
 */
export async function writeTokenShards(folder: string, options: WriteTokenShardsOptions): Promise<TokenCounts> {
  const { tokenizer, shardSize = 100_000_000 } = options;
  requireFractions(options);
  requirePositive({ shardSize });
  const end = endOfDocument(options);
  const dtype = dtypeFor(tokenizer.vocabSize);
  let shards: ShardHeader["shards"] = { training: [], validation: [], test: [] };
  await writeFolderAtomic(folder, async (temporary) => {
    shards = await withWriters(
      (part) => new ShardWriter(temporary, part, dtype, shardSize),
      (writers) => writeDocuments(options, end, writers),
    );
    const header = { dtype, vocabSize: tokenizer.vocabSize, tokenizer: tokenizerFingerprint(tokenizer), shards };
    await writeFile(join(temporary, HEADER_FILE), headerToJson(header));
  });
  return byPart((part) => shards[part].reduce((sum, length) => sum + length, 0));
}

async function withWriters(
  make: (part: Part) => ShardWriter,
  use: (writers: Readonly<Record<Part, ShardWriter>>) => Promise<void>,
): Promise<ShardHeader["shards"]> {
  const writers = byPart(make);
  try {
    await use(writers);
    for (const part of PARTS) await writers[part].close();
  } finally {
    for (const part of PARTS) await writers[part].abandon();
  }
  return byPart((part) => writers[part].lengths);
}

async function writeDocuments(
  options: WriteTokenShardsOptions,
  end: number | undefined,
  writers: Readonly<Record<Part, ShardWriter>>,
): Promise<void> {
  for await (const document of options.documents) {
    const ids = options.tokenizer.encode(document);
    await writers[partOf(document, options)].write(end === undefined ? ids : withEnd(ids, end));
  }
  if (PARTS.every((part) => writers[part].lengths.length === 0))
    throw new EmptyTextError("The documents hold no tokens");
}

function withEnd(ids: Uint32Array, end: number): Uint32Array {
  const longer = new Uint32Array(ids.length + 1);
  longer.set(ids);
  longer[ids.length] = end;
  return longer;
}

/** The first 32 bits of a hash of the text as a number in [0, 1): below `test` it is test, then validation. */
function partOf(document: string, { validation = 0, test = 0 }: SplitFractions): Part {
  const position = createHash("sha256").update(document).digest().readUInt32LE() / 2 ** 32;
  if (position < test) return "test";
  return position < test + validation ? "validation" : "training";
}

function endOfDocument({ tokenizer, endOfDocument: name }: WriteTokenShardsOptions): number | undefined {
  if (name === undefined) return undefined;
  const id = tokenizer.specialTokens.get(name);
  if (id !== undefined) return id;
  const names = [...tokenizer.specialTokens.keys()].map((known) => JSON.stringify(known)).join(", ");
  throw new DataOptionError("endOfDocument", name, `a special token of the tokenizer (${names || "it has none"})`);
}

const byPart = <T>(valueOf: (part: Part) => T): Record<Part, T> => ({
  training: valueOf("training"),
  validation: valueOf("validation"),
  test: valueOf("test"),
});

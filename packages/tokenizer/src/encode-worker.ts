/** A worker thread of `encodeFile`: takes parts of a file, gives back their ids. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type EncodePartOptions, encodePart } from "./files/encode-part.ts";
import type { FilePart } from "./files/file-parts.ts";
import { tokenizerFromJson } from "./formats/tokenizer-json.ts";

const tokenizer = tokenizerFromJson(workerData as string);
const port = parentPort as MessagePort;

port.on("message", ({ part, options }: { part: FilePart; options: EncodePartOptions }) => {
  const encoded = encodePart(tokenizer, part, options);
  port.postMessage(encoded, "ids" in encoded ? [encoded.ids.buffer] : []);
});

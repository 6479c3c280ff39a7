import { realpath } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { ReadError } from "./errors.ts";

/**
 * Where a file of a model folder lies. A model may come from anywhere, so that it reads nothing but itself: a name may not
 * leave the folder, and a link may lead to elsewhere in the folder; in a snapshot of Hugging Face's cache, which is all
 * links, to the blobs of its model. The folder itself may be a link, and a file that a person names is opened wherever it
 * leads. What is no regular file in the end, a pipe or a device, is refused by `fileSource`.
 * @param name with `/`; it may be missing, which is reported when it is opened
 * @throws ReadError for a name or a link that leads out of the folder
 */
export async function fileInFolder(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  const steps = name.split(/[/\\]/);
  if (steps.some((step) => step === ".." || step === "." || step === "" || step.includes(":"))) {
    throw new ReadError(JSON.stringify(name), "a file of a model must lie in the model's folder");
  }
  const home = await realpath(folder).catch(() => undefined);
  const target = await realpath(path).catch(() => undefined);
  if (home === undefined || target === undefined) return path;
  if (isWithin(home, target) || isWithin(await blobsOf(home), target)) return path;
  const advice = "copy the file into it, or pass the folder where the model lies";
  throw new ReadError(path, `it is a link to ${target}, outside of the model's folder; ${advice}`);
}

/** Also for the root of a drive, which alone ends in a separator. */
function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Where snapshots, which are `CACHE/models--OWNER--NAME/snapshots/COMMIT`, have their files; else the folder itself. */
async function blobsOf(folder: string): Promise<string> {
  const [, repository] = /^(.*[/\\]models--[^/\\]+)[/\\]snapshots[/\\]/.exec(folder) ?? [];
  return repository === undefined ? folder : realpath(join(repository, "blobs")).catch(() => folder);
}

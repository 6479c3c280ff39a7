import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const repository: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** The folders of the published packages, such as `packages/gpt`, from the repository. */
export const packageFolders: readonly string[] = readdirSync(join(repository, "packages"))
  .sort()
  .map((name) => `packages/${name}`);

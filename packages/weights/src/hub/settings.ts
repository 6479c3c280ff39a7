import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { HubError } from "./errors.ts";

const DEFAULT_ENDPOINT = "https://huggingface.co";

/** What people may say of where from and where to; the rest comes from the environment, as for Python's hub client. */
export interface HubOptions {
  /** Default: `HF_TOKEN`, or else the file that `hf auth login` wrote. `false` sends none. */
  readonly token?: string | false;
  /** Default: `HF_HUB_CACHE`, or else `hub` in `HF_HOME`, which is `~/.cache/huggingface`. */
  readonly cacheFolder?: string;
  /** Default: `HF_ENDPOINT`, or else https://huggingface.co. */
  readonly endpoint?: string;
  /** Whether only the cache is looked into. Default: `HF_HUB_OFFLINE`. */
  readonly offline?: boolean;
}

export interface HubSettings {
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly cacheFolder: string;
  readonly offline: boolean;
  /** How long a server may be silent. */
  readonly silenceMilliseconds: number;
}

/** The options, and what they leave open from the environment. @throws HubError */
export async function hubSettings(options: HubOptions): Promise<HubSettings> {
  const { env } = process;
  const home = expanded(env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface"));
  const cache = options.cacheFolder ?? (env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, "hub"));
  const token = options.token ?? (env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || (await tokenFile(home)));
  return {
    endpoint: checkedEndpoint(options.endpoint ?? (env.HF_ENDPOINT || DEFAULT_ENDPOINT)),
    token: checkedToken(token),
    cacheFolder: expanded(cache),
    offline: options.offline ?? (isTrue(env.HF_HUB_OFFLINE) || isTrue(env.TRANSFORMERS_OFFLINE)),
    silenceMilliseconds: 1000 * (Number(env.HF_HUB_DOWNLOAD_TIMEOUT) || 10),
  };
}

const isTrue = (value = ""): boolean => ["1", "ON", "YES", "TRUE"].includes(value.toUpperCase());

const expanded = (path: string): string => path.replace(/^~(?=$|[/\\])/, homedir());

async function tokenFile(home: string): Promise<string> {
  return readFile(expanded(process.env.HF_TOKEN_PATH || join(home, "token")), "utf8").catch(() => "");
}

function checkedToken(token: string | false): string | undefined {
  const trimmed = token === false ? "" : token.trim();
  if (/^[!-~]*$/.test(trimmed)) return trimmed === "" ? undefined : trimmed;
  throw new HubError("usage", "The token has characters that no token has: copy it again (hf_ and letters).");
}

function checkedEndpoint(endpoint: string): string {
  if (/^https?:\/\/[^/]/.test(endpoint) && URL.canParse(endpoint)) return endpoint.replace(/\/+$/, "");
  throw new HubError("usage", `The endpoint ${JSON.stringify(endpoint)} is no http address: set HF_ENDPOINT to one.`);
}

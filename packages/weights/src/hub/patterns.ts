import { HubError } from "./errors.ts";

/**
 * Whether a path is matched by any of the patterns of Python's `fnmatch`, which Hugging Face uses: `*` is any text,
 * slashes too, `?` one character, `[abc]` and `[!abc]` one of or none of some.
 * @throws HubError for a set such as `[z-a]`
 */
export const matchesAny = (path: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => toRegExp(pattern).test(path));

function toRegExp(pattern: string): RegExp {
  const whole = pattern.endsWith("/") ? `${pattern}*` : pattern;
  const source = whole.replace(/\[(!?)(\]?[^\]]*)\]|[^]/g, (token, not: string, set: string | undefined) => {
    if (token === "*") return "[^]*";
    if (token === "?") return "[^]";
    if (set !== undefined) return `[${not === "" ? "" : "^"}${set.replace(/[\\\]^[]/g, "\\$&")}]`;
    return token.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");
  });
  try {
    return new RegExp(`^${source.replace(/(\[\^\]\*)+/g, "[^]*")}$`);
  } catch (cause) {
    throw new HubError("usage", `${JSON.stringify(pattern)} is no pattern of file names.`, { cause });
  }
}

import { expect, it } from "vitest";
import { matchesAny } from "./patterns.ts";

it.each<[string, string, boolean]>([
  ["*.json", "config.json", true],
  ["*.json", "sub/config.json", true], // as fnmatch, unlike a shell
  ["*.json", "config.jsonl", false],
  ["model-0000?-of-*", "model-00003-of-00004.safetensors", true],
  ["model-0000?-of-*", "model-0000-of-00004.safetensors", false],
  ["[a-c]x", "bx", true],
  ["[!a-c]x", "bx", false],
  ["[!a-c]x", "dx", true],
  ["[]]x", "]x", true],
  ["[^]x", "^x", true],
  ["a[b", "a[b", true],
  ["onnx/", "onnx/model.onnx", true],
  ["a.b+(c)|$", "a.b+(c)|$", true],
  ["a.c", "abc", false],
  ["***", "line\nline", true],
])("%s and %s: %s", (pattern, path, expected) => {
  expect(matchesAny(path, [pattern])).toBe(expected);
});

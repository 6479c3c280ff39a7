import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Contestant } from "../contestant.ts";

/** The most bytes per second that PyTorch's sum reads from memory on all threads: a yardstick, which others may pass. */
export async function memoryReadRate(python: string): Promise<number> {
  const program = fileURLToPath(new URL("read-rate.py", import.meta.url));
  const reader = new Contestant(python, [program, String(availableParallelism())]);
  try {
    await reader.introduction();
    const { milliseconds, check: bytes } = await reader.run(12);
    return (1000 * bytes) / Math.min(...milliseconds);
  } finally {
    await reader.end();
  }
}

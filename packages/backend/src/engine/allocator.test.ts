import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Allocator } from "./allocator.ts";
import type { MemoryRange } from "./host.ts";

/** Memory in ranges with gaps between them, up to a limit. */
function memory(limit: number): (bytes: number) => MemoryRange | undefined {
  let next = 24;
  return (bytes) => {
    const size = Math.max(bytes, 1000);
    if (next + size > limit) return undefined;
    const start = next;
    next += size + 40;
    return { start, bytes: size };
  };
}

describe("Allocator", () => {
  it("never hands out a byte twice, and takes everything back", () => {
    const operations = fc.array(fc.oneof(fc.nat(3000), fc.record({ release: fc.nat(50) })), { maxLength: 200 });
    fc.assert(
      fc.property(operations, (steps) => {
        const allocator = new Allocator(memory(100_000));
        const held: { start: number; end: number }[] = [];
        for (const step of steps) {
          if (typeof step === "object") {
            const [released] = held.splice(step.release % Math.max(1, held.length), 1);
            if (released) allocator.release(released.start);
            continue;
          }
          const start = allocator.allocate(step);
          if (start === undefined) continue;
          expect(start % 64).toBe(0);
          const end = start + Math.max(step, 1);
          expect(held.some((other) => start < other.end && other.start < end)).toBe(false);
          held.push({ start, end });
        }
        for (const { start } of held) allocator.release(start);
        expect(allocator.usedBytes).toBe(0);
      }),
    );
  });

  it("asks for more memory only when nothing fits: what was freed becomes one range again", () => {
    let reserved = 0;
    const allocator = new Allocator((bytes) => {
      reserved++;
      return { start: 64, bytes: bytes + 100_000 };
    });
    for (let round = 0; round < 60; round++) {
      const blocks = Array.from({ length: 10 }, (_, i) => allocator.allocate(100 * (i + round + 1)) as number);
      // In another order than they were handed out.
      for (const i of [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]) allocator.release(blocks[i] as number);
    }
    const whole = allocator.allocate(100_100);
    expect(whole).toBe(64);
    expect(reserved).toBe(1);
  });

  it("returns undefined when there is no memory left, and goes on", () => {
    const allocator = new Allocator(memory(5_000));
    expect(allocator.allocate(10_000)).toBeUndefined();
    expect(allocator.allocate(100)).toBeDefined();
  });

  it("refuses to release what it has not handed out", () => {
    const allocator = new Allocator(memory(5_000));
    const address = allocator.allocate(10) as number;
    allocator.release(address);
    expect(() => allocator.release(address)).toThrow(RangeError);
  });
});

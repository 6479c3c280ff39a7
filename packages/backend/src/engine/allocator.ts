import type { MemoryRange } from "./host.ts";

/** What addresses are multiples of: a cache line, and the widest vector. */
const ALIGNMENT = 64;
/** Classes of sizes in each power of two. */
const STEPS = 8;

interface Block {
  start: number;
  size: number;
  free: boolean;
}

/**
 * Hands out ranges of memory: a free block of about the size, whose rest stays free; neighbours that are free become
 * one again. Free blocks are kept in classes of sizes, eight in each power of two, as in TLSF (Masmano et al. 2004).
 */
export class Allocator {
  readonly #reserve: (bytes: number) => MemoryRange | undefined;
  /** Free blocks by class; sets, because any block can leave when its neighbour is freed. */
  readonly #free: Set<Block>[] = [];
  readonly #byStart = new Map<number, Block>();
  readonly #byEnd = new Map<number, Block>();
  /** Bytes that are handed out. */
  #used = 0;

  /** @param reserve gets more memory when there is none left */
  constructor(reserve: (bytes: number) => MemoryRange | undefined) {
    this.#reserve = reserve;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** @returns the address of a range of this many bytes, or undefined if there is no memory left */
  allocate(bytes: number): number | undefined {
    const size = aligned(bytes);
    const block = this.#find(size) ?? this.#grow(size);
    if (block === undefined) return undefined;
    this.#remove(block);
    if (block.size > size) this.#split(block, size);
    block.free = false;
    this.#used += block.size;
    return block.start;
  }

  /** Takes back what `allocate` has handed out. */
  release(address: number): void {
    let block = this.#byStart.get(address);
    if (block === undefined || block.free) throw new RangeError(`nothing is allocated at address ${address}`);
    this.#used -= block.size;
    const before = this.#byEnd.get(block.start);
    if (before?.free) block = this.#join(before, block);
    const after = this.#byStart.get(block.start + block.size);
    if (after?.free) block = this.#join(block, after);
    this.#insert(block);
  }

  /** The smallest of the size's own class that fits, else any of the next class: a step repeats the same sizes. */
  #find(size: number): Block | undefined {
    const own = classOf(size);
    let best: Block | undefined;
    for (const block of this.#free[own] ?? []) {
      if (block.size >= size && block.size < (best?.size ?? Number.POSITIVE_INFINITY)) best = block;
    }
    for (let at = own + 1; best === undefined && at < this.#free.length; at++) {
      best = this.#free[at]?.values().next().value;
    }
    return best;
  }

  #grow(size: number): Block | undefined {
    const range = this.#reserve(size + ALIGNMENT);
    if (range === undefined) return undefined;
    const start = aligned(range.start);
    const end = range.start + range.bytes;
    const block = { start, size: Math.floor((end - start) / ALIGNMENT) * ALIGNMENT, free: true };
    this.#place(block);
    this.#insert(block);
    return block;
  }

  #split(block: Block, size: number): void {
    const rest = { start: block.start + size, size: block.size - size, free: true };
    block.size = size;
    this.#place(block);
    this.#place(rest);
    this.#insert(rest);
  }

  /** Makes one block of two neighbours. Those that were free leave their class. */
  #join(first: Block, second: Block): Block {
    for (const block of [first, second]) if (block.free) this.#remove(block);
    this.#byEnd.delete(second.start);
    this.#byStart.delete(second.start);
    first.size += second.size;
    this.#place(first);
    return first;
  }

  #place(block: Block): void {
    this.#byStart.set(block.start, block);
    this.#byEnd.set(block.start + block.size, block);
  }

  #insert(block: Block): void {
    block.free = true;
    const at = classOf(block.size);
    this.#free[at] ??= new Set();
    this.#free[at].add(block);
  }

  #remove(block: Block): void {
    block.free = false;
    this.#free[classOf(block.size)]?.delete(block);
  }
}

/** At least one unit, so that every allocation has an address of its own. */
function aligned(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
}

/** The class that holds sizes from this one's lower end up to the next class. */
function classOf(size: number): number {
  const power = Math.floor(Math.log2(size));
  return power * STEPS + Math.floor((size / 2 ** power - 1) * STEPS);
}

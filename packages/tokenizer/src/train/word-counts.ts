import { withRoom } from "../with-room.ts";

/**
 * Distinct words and how often each was met. An open-addressing table over flat arrays: the words' bytes stand side
 * by side in one array, so that a new word costs some bytes and a known one nothing at all.
 */
export class WordCounts {
  /** Number of distinct words. */
  size = 0;
  /** Pairs: hash, and number of the word plus 1 (0: free). */
  private slots = new Int32Array(2 * 4096);
  private bytes = new Uint8Array(2 ** 16);
  private ends = new Int32Array(1024);
  private counts = new Float64Array(1024);

  /** Counts the word `text[start, end)`, in UTF-8. */
  add(text: Uint8Array, start: number, end: number): void {
    const { slots } = this;
    const hash = hashOf(text, start, end);
    const mask = slots.length - 1;
    let slot = (2 * hash) & mask;
    for (let entry = slots[slot + 1] as number; entry !== 0; entry = slots[slot + 1] as number) {
      if (slots[slot] === hash && this.equals(entry - 1, text, start, end)) {
        (this.counts[entry - 1] as number)++;
        return;
      }
      slot = (slot + 2) & mask;
    }
    slots[slot] = hash;
    slots[slot + 1] = this.append(text, start, end) + 1;
    if (4 * this.size > slots.length) this.rehash();
  }

  /** Bytes of all distinct words together. */
  get numBytes(): number {
    return this.startOf(this.size);
  }

  count(word: number): number {
    return this.counts[word] as number;
  }

  /** The text of a word. */
  word(word: number): string {
    return utf8.decode(this.bytesOf(word));
  }

  bytesOf(word: number): Uint8Array {
    return this.bytes.subarray(this.startOf(word), this.ends[word]);
  }

  private startOf(word: number): number {
    return word === 0 ? 0 : (this.ends[word - 1] as number);
  }

  private equals(word: number, text: Uint8Array, start: number, end: number): boolean {
    const { bytes } = this;
    const offset = this.startOf(word);
    if ((this.ends[word] as number) - offset !== end - start) return false;
    for (let i = start, at = offset; i < end; i++, at++) if (bytes[at] !== text[i]) return false;
    return true;
  }

  private append(text: Uint8Array, start: number, end: number): number {
    const word = this.size++;
    let at = this.startOf(word);
    this.bytes = withRoom(this.bytes, at + end - start);
    this.ends = withRoom(this.ends, this.size);
    this.counts = withRoom(this.counts, this.size);
    this.bytes.set(text.subarray(start, end), at);
    at += end - start;
    this.ends[word] = at;
    this.counts[word] = 1;
    return word;
  }

  private rehash(): void {
    const old = this.slots;
    this.slots = new Int32Array(2 * old.length);
    const mask = this.slots.length - 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] === 0) continue;
      let slot = (2 * (old[i] as number)) & mask;
      while (this.slots[slot + 1] !== 0) slot = (slot + 2) & mask;
      this.slots[slot] = old[i] as number;
      this.slots[slot + 1] = old[i + 1] as number;
    }
  }
}

// Without `ignoreBOM` a leading U+FEFF would vanish.
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

function hashOf(text: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (text[i] as number), 0x9e3779b1);
  return hash ^ (hash >>> 15);
}

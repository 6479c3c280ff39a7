import { withRoom } from "./with-room.ts";

/** A `Uint32Array` that grows. */
export class GrowingIds {
  private ids: Uint32Array;
  length = 0;

  constructor(capacity: number) {
    this.ids = new Uint32Array(Math.max(16, capacity));
  }

  push(id: number): void {
    if (this.length === this.ids.length) this.ids = withRoom(this.ids, this.length + 1);
    this.ids[this.length++] = id;
  }

  /** Appends `more[start, end)`. */
  append(more: ArrayLike<number>, start = 0, end: number = more.length): void {
    const needed = this.length + end - start;
    if (needed > this.ids.length) this.ids = withRoom(this.ids, needed);
    const { ids } = this;
    let { length } = this;
    for (let i = start; i < end; i++) ids[length++] = more[i] as number;
    this.length = length;
  }

  /** Appends those of `other` in [start, end). */
  appendFrom(other: GrowingIds, start: number, end: number): void {
    this.append(other.ids, start, end);
  }

  /** Those from `start` on, without a copy: valid until more are appended. */
  view(start: number): Uint32Array {
    return this.ids.subarray(start, this.length);
  }

  finish(): Uint32Array {
    return this.ids.slice(0, this.length);
  }
}

/** A `Uint32Array` that grows. */
export class GrowingIds {
  private ids = new Uint32Array(0);
  length = 0;

  constructor(capacity: number) {
    this.ids = new Uint32Array(Math.max(16, capacity));
  }

  push(id: number): void {
    if (this.length === this.ids.length) this.reserve(1);
    this.ids[this.length++] = id;
  }

  /** Appends `more[start, end)`. */
  append(more: ArrayLike<number>, start = 0, end: number = more.length): void {
    if (this.length + end - start > this.ids.length) this.reserve(end - start);
    const { ids } = this;
    let { length } = this;
    for (let i = start; i < end; i++) ids[length++] = more[i] as number;
    this.length = length;
  }

  finish(): Uint32Array {
    return this.ids.slice(0, this.length);
  }

  private reserve(count: number): void {
    const larger = new Uint32Array(Math.max(2 * this.ids.length, this.length + count));
    larger.set(this.ids);
    this.ids = larger;
  }
}

/** A `Uint32Array` that grows. */
export class GrowingIds {
  private ids: Uint32Array;
  private length = 0;

  constructor(capacity: number) {
    this.ids = new Uint32Array(Math.max(16, capacity));
  }

  push(id: number): void {
    this.reserve(1);
    this.ids[this.length++] = id;
  }

  append(more: ArrayLike<number>): void {
    this.reserve(more.length);
    for (let i = 0; i < more.length; i++) this.ids[this.length++] = more[i] as number;
  }

  finish(): Uint32Array {
    return this.ids.slice(0, this.length);
  }

  private reserve(count: number): void {
    if (this.length + count <= this.ids.length) return;
    const larger = new Uint32Array(Math.max(2 * this.ids.length, this.length + count));
    larger.set(this.ids);
    this.ids = larger;
  }
}

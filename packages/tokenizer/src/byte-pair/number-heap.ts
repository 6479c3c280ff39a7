/** A binary heap of numbers in one flat array: `pop` gives the smallest. */
export class NumberHeap {
  private readonly items: Float64Array;
  size = 0;

  constructor(capacity: number) {
    this.items = new Float64Array(capacity);
  }

  push(item: number): void {
    const { items } = this;
    let hole = this.size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if ((items[parent] as number) <= item) break;
      items[hole] = items[parent] as number;
      hole = parent;
    }
    items[hole] = item;
  }

  /** The smallest; there must be one. */
  pop(): number {
    const { items } = this;
    const first = items[0] as number;
    this.size--;
    this.sink(items[this.size] as number);
    return first;
  }

  private sink(item: number): void {
    const { items, size } = this;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && (items[child + 1] as number) < (items[child] as number)) child++;
      if ((items[child] as number) >= item) break;
      items[hole] = items[child] as number;
      hole = child;
    }
    items[hole] = item;
  }
}

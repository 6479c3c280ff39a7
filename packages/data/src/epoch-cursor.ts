import { seededGenerator, shuffled } from "./random.ts";

/** Which batch of which epoch comes next, and the windows that it is made of. */
export class EpochCursor {
  readonly #windows: number;
  readonly #batches: number;
  readonly #shuffleSeed: number | undefined;
  #order: Uint32Array | undefined; // of this epoch's windows; undefined: that of the text
  #epoch = 0;
  #batch = 0;

  /** @param batches how many an epoch has; the windows after the last of them are left out */
  constructor(windows: number, batches: number, shuffleSeed: number | undefined) {
    this.#windows = windows;
    this.#batches = batches;
    this.#shuffleSeed = shuffleSeed;
    this.#order = this.#drawOrder();
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Of this epoch, the next to hand out. */
  get batch(): number {
    return this.#batch;
  }

  /** The windows of the next batch; fewer than `batchSize` where the epoch ends. */
  windows(batchSize: number): number[] {
    const first = this.#batch * batchSize;
    const count = Math.min(batchSize, this.#windows - first);
    return Array.from({ length: count }, (_, i) => this.#order?.[first + i] ?? first + i);
  }

  advance(): void {
    if (this.#batch + 1 < this.#batches) this.#batch++;
    else this.moveTo(this.#epoch + 1, 0);
  }

  moveTo(epoch: number, batch: number): void {
    const isOther = epoch !== this.#epoch;
    this.#epoch = epoch;
    this.#batch = batch;
    if (isOther) this.#order = this.#drawOrder();
  }

  #drawOrder(): Uint32Array | undefined {
    if (this.#shuffleSeed === undefined) return undefined;
    return shuffled(this.#windows, seededGenerator(this.#shuffleSeed, this.#epoch));
  }
}

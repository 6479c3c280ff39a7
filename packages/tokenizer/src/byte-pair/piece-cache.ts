import { detach } from "../detach.ts";

/** How many pieces one generation holds: the words of a large English corpus, in some ten megabytes. */
const GENERATION_SIZE = 2 ** 16;

/** Longer pieces are rare and not worth remembering. */
const LONGEST_PIECE = 64;

/**
 * Remembers the ids of pieces met before, within bounds: when a generation is full it becomes the old one, and what
 * is not used again while the next one fills is forgotten.
 */
export class PieceCache {
  private young = new Map<string, Int32Array>();
  private old = new Map<string, Int32Array>();

  get(piece: string): Int32Array | undefined {
    const ids = this.young.get(piece);
    if (ids !== undefined) return ids;
    const remembered = this.old.get(piece);
    if (remembered !== undefined) this.set(piece, remembered);
    return remembered;
  }

  set(piece: string, ids: Int32Array): void {
    if (piece.length > LONGEST_PIECE) return;
    if (this.young.size >= GENERATION_SIZE) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(detach(piece), ids);
  }
}

import { withRoom } from "../with-room.ts";

/**
 * Trees of words, one number per edge: a UTF-16 unit or a code point. Edges lie in one open-addressing table:
 * (node, number) → node. Nodes are numbered from 1; 0 is none.
 */
export class Trie {
  /** By node: the id of the word that ends there, or −1. */
  ids: Int32Array = new Int32Array(1024).fill(-1);
  private edges = new Int32Array(3 * 1024); // node, number, child (0: free)
  private mask = 1023;
  private numNodes = 0;

  /** Adds a node that no edge leads to, from which words can be added. */
  addRoot(): number {
    const node = ++this.numNodes;
    if (node >= this.ids.length) this.ids = withRoom(this.ids, node + 1).fill(-1, node);
    return node;
  }

  addWord(root: number, word: string, id: number): void {
    let node = root;
    for (let i = 0; i < word.length; i++) node = this.childOrNew(node, word.charCodeAt(i));
    this.ids[node] = id;
  }

  /** The node that `code` leads to from `node`; 0 if there is none. */
  child(node: number, code: number): number {
    return this.edges[this.find(node, code) + 2] as number;
  }

  /** The longest word that stands at `start`, and where it ends; −1 and `start` if there is none. */
  longest(root: number, text: string, start: number): readonly [id: number, end: number] {
    let [id, end] = [-1, start];
    let node = root;
    for (let i = start; i < text.length; i++) {
      node = this.child(node, text.charCodeAt(i));
      if (node === 0) break;
      const found = this.ids[node] as number;
      if (found < 0) continue;
      id = found;
      end = i + 1;
    }
    return [id, end];
  }

  childOrNew(node: number, code: number): number {
    const edge = this.find(node, code);
    const known = this.edges[edge + 2] as number;
    if (known !== 0) return known;
    const child = this.addRoot();
    this.edges[edge] = node;
    this.edges[edge + 1] = code;
    this.edges[edge + 2] = child;
    if (2 * child > this.mask) this.rehash();
    return child;
  }

  /** The place of an edge, or the free one where it belongs. */
  private find(node: number, code: number): number {
    const { edges, mask } = this;
    const mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(code, 0x85ebca6b);
    let place = (mixed ^ (mixed >>> 15)) & mask;
    while (edges[3 * place + 2] !== 0 && (edges[3 * place] !== node || edges[3 * place + 1] !== code)) {
      place = (place + 1) & mask;
    }
    return 3 * place;
  }

  private rehash(): void {
    const old = this.edges;
    this.edges = new Int32Array(2 * old.length);
    this.mask = 2 * this.mask + 1;
    for (let i = 0; i < old.length; i += 3) {
      if (old[i + 2] === 0) continue;
      this.edges.set(old.subarray(i, i + 3), this.find(old[i] as number, old[i + 1] as number));
    }
  }
}

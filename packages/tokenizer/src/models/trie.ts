import type { TokenId } from "../tokenizer.ts";

/** A tree of tokens, one UTF-16 unit per edge. Edges lie in one open-addressing table: (node, unit) → node. */
export class Trie {
  private parents = new Int32Array(1024).fill(-1);
  private units = new Uint16Array(1024);
  private children = new Int32Array(1024);
  private ids = new Int32Array(512).fill(-1);
  private nodes = 0;
  private edges = 0;

  /** Adds a node that no edge leads to, from which words can be added. */
  addRoot(): number {
    if (this.nodes === this.ids.length) {
      const larger = new Int32Array(2 * this.nodes).fill(-1);
      larger.set(this.ids);
      this.ids = larger;
    }
    return this.nodes++;
  }

  add(root: number, word: string, id: TokenId): void {
    let node = root;
    for (let i = 0; i < word.length; i++) node = this.childOrNew(node, word.charCodeAt(i));
    this.ids[node] = id;
  }

  /** The node that `unit` leads to from `node`; −1 if there is none. */
  child(node: number, unit: number): number {
    const slot = this.probe(node, unit);
    return this.parents[slot] === -1 ? -1 : (this.children[slot] as number);
  }

  /** The id of the word that ends at `node`; −1 if none does. */
  idAt(node: number): number {
    return this.ids[node] as number;
  }

  private childOrNew(node: number, unit: number): number {
    const known = this.child(node, unit);
    if (known >= 0) return known;
    if (2 * ++this.edges > this.parents.length) this.grow();
    const child = this.addRoot();
    this.insert(node, unit, child);
    return child;
  }

  private insert(node: number, unit: number, child: number): void {
    const slot = this.probe(node, unit);
    this.parents[slot] = node;
    this.units[slot] = unit;
    this.children[slot] = child;
  }

  private grow(): void {
    const { parents, units, children } = this;
    const slots = 2 * parents.length;
    this.parents = new Int32Array(slots).fill(-1);
    this.units = new Uint16Array(slots);
    this.children = new Int32Array(slots);
    for (let i = 0; i < parents.length; i++) {
      if (parents[i] !== -1) this.insert(parents[i] as number, units[i] as number, children[i] as number);
    }
  }

  /** The edge's slot, or the empty one where it belongs. */
  private probe(node: number, unit: number): number {
    const { parents, units } = this;
    const mask = parents.length - 1;
    const mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    while (parents[slot] !== -1 && (parents[slot] !== node || units[slot] !== unit)) slot = (slot + 1) & mask;
    return slot;
  }
}

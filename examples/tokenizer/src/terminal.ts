import pc from "picocolors";
import { type Piece, visible } from "./pieces.ts";

const colors = [pc.bgCyan, pc.bgYellow, pc.bgGreen, pc.bgMagenta, pc.bgBlue];

/** The pieces, each on a ground of its own colour; with bars between them where there are no colours. */
export function coloured(pieces: readonly Piece[]): string {
  if (!pc.isColorSupported) return pieces.map(({ text }) => visible(text)).join("|");
  return pieces
    .map(({ text }, index) => {
      const color = colors[index % colors.length] as (text: string) => string;
      const paint = (line: string): string => (line === "" ? "" : color(pc.black(line)));
      return visible(text).split("\n").map(paint).join("\n");
    })
    .join("");
}

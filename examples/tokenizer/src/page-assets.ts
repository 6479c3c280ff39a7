/** Colours for light and dark, tokens as coloured stretches, marks of ten colours that can be told apart. */
export const pageStyle: string = `
:root { color-scheme: light dark; --ground: #fbfaf7; --card: #fff; --ink: #1d2129; --pale: #6b7280; --line: #e4e2dc;
  --c0: #cfe5ff; --c1: #ffe3b8; --c2: #cdf0d2; --c3: #f6d3ec; --c4: #ddd8ff; --c5: #ffd6cf;
  --s0: #2f6fde; --s1: #e07b1a; --s2: #1f9d55; --s3: #c2378f; --s4: #7a5af0; --s5: #d23f31; --s6: #0f9aa8; --s7: #8a6d1d; --s8: #5b6472; --s9: #9bbf1a; }
@media (prefers-color-scheme: dark) { :root { --ground: #14161b; --card: #1c1f26; --ink: #e8e6e1; --pale: #9aa2b1; --line: #2d313b;
  --c0: #1f4369; --c1: #5e4315; --c2: #1f5131; --c3: #5b2a4f; --c4: #3d3773; --c5: #66322b;
  --s0: #6ea8ff; --s1: #ffab52; --s2: #5bd38c; --s3: #ff7ccb; --s4: #ab96ff; --s5: #ff8173; --s6: #4fd5e2; --s7: #d9bb5e; --s8: #b3bccb; --s9: #cbe85f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 1180px; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -.02em; margin: 0 0 .4rem; } h2 { font-size: 1.1rem; margin: 0; }
header p, .languages > p { color: var(--pale); margin: 0 0 1.5rem; max-width: 46rem; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 1.25rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1.25rem 1.4rem; min-width: 0; }
.facts { display: flex; flex-wrap: wrap; gap: .1rem 1.4rem; margin: .15rem 0 .9rem; color: var(--pale); font-size: .85rem; } .facts b { color: var(--ink); font-size: .95rem; }
.text { font: 15px/1.9 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.t { border-radius: 4px; padding: .16em 0; box-decoration-break: clone; -webkit-box-decoration-break: clone; cursor: default; }
.t i { font-style: normal; opacity: .38; } .t.parts { border-bottom: 2px dotted var(--pale); } .t:hover { outline: 2px solid var(--ink); outline-offset: 0; }
.c0 { background: var(--c0); } .c1 { background: var(--c1); } .c2 { background: var(--c2); } .c3 { background: var(--c3); } .c4 { background: var(--c4); } .c5 { background: var(--c5); }
.languages { margin-top: 1.25rem; } .languages > p { margin: .3rem 0 1rem; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; list-style: none; margin: 0 0 .6rem; padding: 0; font-size: .9rem; } .legend i { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .45em; vertical-align: -.05em; } .legend .square { border-radius: 2px; } .legend .hollow { border: 2px solid var(--pale); }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } .label { text-anchor: end; } .tick { text-anchor: middle; fill: var(--pale) !important; }
.grid { stroke: var(--line); } .mark { stroke: var(--card); stroke-width: 1; } .band0 { fill: none; } .band1 { fill: var(--ground); }
${[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `.s${i} { fill: var(--s${i}); background: var(--s${i}); }`).join(" ")}
${[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `.mark.hollow.s${i} { stroke: var(--s${i}); fill: var(--card); stroke-width: 2; }`).join(" ")}
#tip { position: fixed; z-index: 1; pointer-events: none; max-width: 24rem; background: var(--ink); color: var(--ground); border-radius: 8px; padding: .45rem .7rem; font: 13px/1.5 ui-monospace, Menlo, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; box-shadow: 0 4px 18px #0005; }`;

/** Runs in the page: shows what is known of the token under the pointer. */
export const pageScript: string = `
const tip = document.getElementById("tip");
document.addEventListener("mouseover", ({ target }) => {
  const token = target.closest(".t");
  tip.hidden = token === null;
  if (token === null) return;
  tip.textContent = token.dataset.ids + "\\nbytes  " + token.dataset.bytes;
  const { left, bottom, top } = token.getClientRects()[0];
  const below = bottom + tip.offsetHeight + 12 < innerHeight;
  tip.style.left = Math.max(8, Math.min(left, innerWidth - tip.offsetWidth - 8)) + "px";
  tip.style.top = (below ? bottom + 6 : top - tip.offsetHeight - 6) + "px";
});`;

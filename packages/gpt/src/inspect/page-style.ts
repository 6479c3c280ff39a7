/** How the page of `inspectPage` looks, by day and by night. */
export const PAGE_STYLE: string = `
:root { color-scheme: light dark; --paper: #fbfbf9; --card: #fff; --ink: #1d1d1f; --soft: #6b6b70; --line: #e4e3de;
  --likely: 160 60% 42%; --unlikely: 14 80% 55%; --accent: #3557d6; --heat: 53 87 214; }
@media (prefers-color-scheme: dark) { :root { --paper: #141416; --card: #1d1d20; --ink: #ececee; --soft: #98989f;
  --line: #323237; --likely: 160 50% 42%; --unlikely: 14 65% 50%; --accent: #8fa5ff; --heat: 143 165 255; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1 { font-size: 24px; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 16px; margin: 0 0 2px; }
p { margin: 0; color: var(--soft); }
.hint { margin-bottom: 14px; font-size: 13.5px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; margin: 18px 0; }
code, #text, #lens, .token, #detail, #tip { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
#text { line-height: 2.05; font-size: 15px; overflow-wrap: anywhere; max-height: 420px; overflow-y: auto; }
#text span { padding: 3px 1px; margin: 0 1px; border-radius: 4px; cursor: pointer; white-space: nowrap; unicode-bidi: isolate; direction: ltr; }
#text i { font-style: normal; opacity: .4; }
#text span:hover, #text span:focus-visible { outline: 2px solid var(--accent); }
#text span.chosen { outline: 2px solid var(--ink); }
#legend, #heat { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 8px; font-size: 12px; color: var(--soft); margin-top: 10px; }
#heat { margin: 0 0 14px; } #heat i { background: linear-gradient(90deg, transparent, rgb(var(--heat))); }
#legend span { margin-left: 8px; }
#legend i, #heat i { width: 150px; height: 8px; border-radius: 4px; }
#detail p { margin-top: 12px; }
#detail { margin-top: 14px; border-top: 1px solid var(--line); padding-top: 12px; font-size: 13px; min-height: 40px; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 3px 10px; align-items: center; max-width: 620px; margin-top: 6px; }
.bars b { font-weight: 500; white-space: pre; max-width: 260px; overflow: hidden; text-overflow: ellipsis; }
.bars i { height: 9px; border-radius: 3px; background: var(--accent); opacity: .75; min-width: 1px; }
.bars em { font-style: normal; color: var(--soft); font-variant-numeric: tabular-nums; }
#attention { display: flex; gap: 24px; flex-wrap: wrap; align-items: flex-start; }
#heads { display: grid; gap: 4px; grid-template-columns: max-content 1fr; align-items: center; font-size: 12px; color: var(--soft);
  max-height: 560px; overflow: auto; max-width: 100%; }
#heads div { display: flex; gap: 4px; } #heads span { width: 42px; text-align: center; flex: none; }
#heads button { padding: 0; border: 1px solid var(--line); border-radius: 4px; background: none; line-height: 0; cursor: pointer; }
#heads button.chosen { border-color: var(--accent); box-shadow: 0 0 0 2px var(--accent); }
#heads canvas { width: 40px; height: 40px; border-radius: 3px; } #heads .coarse { image-rendering: pixelated; }
figure { margin: 0; flex: 1 1 380px; min-width: 0; }
#map-title { font-size: 13px; font-weight: 600; margin-bottom: 6px; }
#map-box { overflow: auto; }
#map { display: block; cursor: crosshair; }
figcaption { font-size: 13px; color: var(--soft); min-height: 22px; margin-top: 6px; }
.scroll { overflow: auto; max-height: 560px; }
#lens { border-collapse: separate; border-spacing: 2px; font-size: 12px; }
#lens th { font-weight: 500; color: var(--soft); text-align: left; padding: 2px 6px; position: sticky; left: 0; background: var(--card); white-space: pre; z-index: 1; }
#lens thead th { top: 0; z-index: 2; } #lens thead th:first-child { z-index: 3; }
#lens td { padding: 3px 6px; border-radius: 4px; max-width: 110px; overflow: hidden; text-overflow: ellipsis; white-space: pre; cursor: default; }
#lens td.right { box-shadow: inset 0 0 0 1.5px hsl(var(--likely)); }
#lens .chosen { color: var(--ink); font-weight: 700; }
#neighbors { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 14px 26px; max-height: 560px; overflow-y: auto; font-size: 12.5px; }
#neighbors .bars { gap: 1px 8px; margin-top: 2px; } #neighbors .bars i { height: 6px; } #neighbors .bars b { max-width: 110px; }
#neighbors .token { font-weight: 700; font-size: 13px; white-space: pre; }
#tip { position: fixed; pointer-events: none; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px;
  box-shadow: 0 6px 24px rgb(0 0 0 / .18); font-size: 12.5px; z-index: 9; max-width: 360px; white-space: pre-wrap; }
#lens td, #lens th, .token, .bars b { unicode-bidi: isolate; direction: ltr; }
@media (max-width: 560px) { header, main { padding: 0 10px; } section { padding: 14px 12px; } figure { flex-basis: 100%; } }
`;

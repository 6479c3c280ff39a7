/** What the page of `inspectPage` does: plain JavaScript for browsers, which puts in text only as text. */
export const PAGE_SCRIPT: string = String.raw`
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const element = (tag, options = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), options);
  made.append(...children);
  return made;
};

// Blanks, line ends and what nobody can see made visible; tokens that are part of a character by their number.
const shown = (place) => {
  const [id, text] = data.names[place];
  if (text === "" || text.includes("\ufffd")) return "⟨" + id + "⟩";
  return text.replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/ /g, "·").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (c) => "⟨U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");
};
const percent = (p) => (p >= .0995 ? (100 * p).toFixed(0) : p >= .001 ? (100 * p).toFixed(1) : "<0.1") + " %";
const logShare = (p) => Math.max(0, 1 + Math.log10(Math.max(p, 1e-4)) / 4); // 0.0001 to 1
const colour = (p, strength = .5) => {
  const share = logShare(p);
  return share >= .5 ? "hsl(var(--likely) / " + (share - .5) * 2 * strength + ")" : "hsl(var(--unlikely) / " + (.5 - share) * 2 * strength + ")";
};
const bars = (rows) => {
  const box = element("div", { className: "bars" });
  for (const [place, value, label] of rows) {
    const bar = element("i");
    bar.style.width = Math.max(0, 100 * value) + "%";
    box.append(element("b", { title: shown(place) }, shown(place)), bar, element("em", {}, label ?? percent(value)));
  }
  return box;
};
const tip = at("tip");
const showTip = (event, ...children) => {
  tip.replaceChildren(...children);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8)) + "px";
  tip.style.top = (event.clientY + 18 + height > innerHeight ? event.clientY - height - 12 : event.clientY + 18) + "px";
};
const hideTip = () => { tip.hidden = true; };

const { tokens, expected, attention, lens } = data;
const T = tokens.length;
let chosen = T - 1, layer = attention.length - 1, head = 0;

const known = expected.filter((each) => each && each.p !== undefined);
const loss = -known.reduce((sum, { p }) => sum + Math.log(Math.max(p, 1e-30)), 0) / known.length;
at("about").textContent = T + (T === 1 ? " token, " : " tokens, ") + attention.length + " layers" +
  (known.length ? ", perplexity " + Math.exp(loss).toFixed(1) : "");
at("text-hint").textContent = data.causal
  ? "How probable the model found each token after those before it. Choose one to see what it expected there."
  : "How probable the model finds each token at its place. Choose one to see what it expects there.";
at("lens-hint").textContent = (data.causal ? "What each layer would say comes after the token above" : "What each layer would say stands there") +
  ", if it were the last one. The stronger the colour, the surer; outlined where it is right.";

const spans = tokens.map((place, i) => {
  const parts = shown(place).split(/([·↵⇥]+)/).map((part, j) => (j % 2 ? element("i", {}, part) : part));
  const span = element("span", { tabIndex: 0 }, ...parts);
  const said = expected[i];
  if (said && said.p !== undefined) span.style.background = colour(said.p, .65);
  span.onclick = () => choose(i);
  span.onkeydown = (event) => { if (event.key === "Enter") choose(i); };
  span.onmousemove = (event) => showTip(event, ...describe(i));
  span.onmouseleave = hideTip;
  return span;
});
// Lines break where the text has a line end, or before a blank.
const textOf = (i) => (i < 0 ? "" : data.names[tokens[i]][1]);
at("text").append(...spans.flatMap((span, i) => {
  if (textOf(i - 1).endsWith("\n")) return [element("br"), span];
  return /^\s/.test(textOf(i)) || /\s$/.test(textOf(i - 1)) ? [element("wbr"), span] : [span];
}));
const scale = element("i");
scale.style.background = "linear-gradient(90deg," + [1e-4, 1e-3, 1e-2, .1, 1].map((p) => colour(p, .65)).join(",") + ")";
at("legend").append("0.01 %", scale, "100 %", element("span", {}, "· a space, ↵ a line end, ⟨7⟩ token 7, which is no whole character"));

function describe(i) {
  const said = expected[i];
  const title = element("div", {}, element("strong", {}, shown(tokens[i])), " · place " + i + ", id " + data.names[tokens[i]][0]);
  if (!said) return [title, "The first token: nothing stands before it."];
  const own = said.p === undefined ? "" : percent(said.p) + ", " + (said.rank === 0 ? "the most probable" : "place " + (said.rank + 1) + " of all");
  return [title, element("div", {}, own), bars(said.top)];
}

// Room for the name of an axis and for the labels: of every token, or of as many as can be read.
const AXIS = 18, FONT = 11;
const longest = Math.max(...tokens.map((place) => shown(place).length));
const side = AXIS + Math.min(T > 60 ? 60 : 96, 14 + 7 * longest);
const lengthOfMap = () => Math.max(1, Math.min(44, Math.floor((Math.min(680, at("map-box").clientWidth) - side) / T)));
const loaded = new Map();
async function weightsOf(index) {
  if (!loaded.has(index)) loaded.set(index, unpack(attention[index].weights));
  return loaded.get(index);
}
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
function picture(canvas, weights, h) {
  canvas.width = canvas.height = T;
  const context = canvas.getContext("2d");
  const image = context.createImageData(T, T);
  const [red, green, blue] = getComputedStyle(document.documentElement).getPropertyValue("--heat").trim().split(" ").map(Number);
  for (let i = 0; i < T * T; i++) image.data.set([red, green, blue, weights[h * T * T + i] ** 2 / 255], 4 * i);
  context.putImageData(image, 0, 0);
}
const buttons = attention.map(({ heads }, index) => Array.from({ length: heads }, (_, h) => {
  const button = element("button", { title: "layer " + index + ", head " + h }, element("canvas", { className: T > 40 ? "" : "coarse" }));
  button.onclick = () => { layer = index; head = h; drawMap(); };
  return button;
}));
const heads = Math.max(...attention.map((each) => each.heads));
at("heads").append("head", element("div", {}, ...Array.from({ length: heads }, (_, h) => element("span", {}, String(h)))));
attention.forEach((_, index) => at("heads").append("layer " + index, element("div", {}, ...buttons[index])));
const heat = element("i");
at("heat").append("0", heat, "the most that this row gives to one token; each row adds up to 100 %");
async function drawHeads() {
  for (let index = 0; index < attention.length; index++) {
    const weights = await weightsOf(index);
    buttons[index].forEach((button, h) => picture(button.firstChild, weights, h));
  }
}
async function drawMap() {
  const weights = await weightsOf(layer);
  buttons.flat().forEach((button) => button.classList.toggle("chosen", button === buttons[layer][head]));
  at("map-title").textContent = "Layer " + layer + ", head " + head;
  const cell = lengthOfMap(), dense = devicePixelRatio || 1;
  const canvas = at("map"), size = side + cell * T;
  canvas.width = canvas.height = size * dense;
  canvas.style.width = canvas.style.height = size + "px";
  const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  context.scale(dense, dense);
  const small = element("canvas");
  picture(small, weights, head);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, side, side, cell * T, cell * T);
  context.strokeStyle = style.getPropertyValue("--line");
  context.strokeRect(side + .5, side + .5, cell * T - 1, cell * T - 1);
  context.strokeStyle = style.getPropertyValue("--accent");
  context.strokeRect(side + .5, side + chosen * cell + .5, cell * T - 1, Math.max(1, cell - 1));
  const every = Math.ceil((FONT + 1) / cell), room = side - AXIS - 8, middle = side + cell * T / 2;
  const label = (text, x, y, turn, align, width) => {
    context.save();
    context.translate(x, y);
    context.rotate(turn);
    context.textAlign = align;
    context.fillText(text, 0, 0, width);
    context.restore();
  };
  context.textBaseline = "middle";
  context.font = FONT + "px system-ui, sans-serif";
  context.fillStyle = style.getPropertyValue("--soft");
  label("looks (query)", AXIS / 2, middle, -Math.PI / 2, "center");
  label("is looked at (key)", middle, AXIS / 2, 0, "center");
  context.font = FONT + "px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
  context.fillStyle = style.getPropertyValue("--ink");
  for (let i = 0; i < T; i += every) {
    const text = shown(tokens[i]).slice(0, 13), at = side + (i + .5) * cell;
    label(text, side - 6, at, 0, "right", room);
    label(text, at, side - 6, -Math.PI / 2, "left", room);
  }
}
const under = (event) => {
  const box = at("map").getBoundingClientRect();
  const [row, column] = [event.clientY - box.top, event.clientX - box.left].map((p) => Math.floor((p - side) / lengthOfMap()));
  return row >= 0 && column >= 0 && row < T && column < T ? [row, column] : undefined;
};
at("map").onmousemove = async (event) => {
  const found = under(event);
  if (!found) return;
  const [row, column] = found, start = (head * T + row) * T, own = (await weightsOf(layer)).subarray(start, start + T);
  const share = own[column] ** 2 / own.reduce((sum, each) => sum + each ** 2, 0);
  at("map-value").textContent = shown(tokens[row]) + " (" + row + ") takes " + percent(share) +
    " from " + shown(tokens[column]) + " (" + column + ")";
};
at("map").onclick = (event) => { const found = under(event); if (found) choose(found[0]); };

const header = element("tr", {}, element("th", {}, "layer"), ...tokens.map((place, i) => {
  const cell = element("th", {}, shown(place));
  cell.style.left = "auto";
  cell.onclick = () => choose(i);
  return cell;
}));
const body = element("tbody");
[...lens.keys()].reverse().forEach((depth) => {
  const name = depth === 0 ? "embeddings" : depth === lens.length - 1 ? depth + " (last)" : String(depth);
  body.append(element("tr", {}, element("th", {}, name), ...lens[depth].map((said) => {
    const [place, p] = said.top[0];
    const cell = element("td", { className: said.rank === 0 ? "right" : "" }, shown(place));
    cell.style.background = "rgb(var(--heat) / " + .55 * Math.sqrt(p) + ")";
    cell.onmousemove = (event) => showTip(event, bars(said.top), said.p === undefined ? "" : "the token itself: " + percent(said.p));
    cell.onmouseleave = hideTip;
    return cell;
  })));
});
at("lens").append(element("thead", {}, header), body);

for (const [place, near] of data.neighbors) {
  at("neighbors").append(element("div", {}, element("div", { className: "token" }, shown(place)),
    bars(near.map(([other, similarity]) => [other, similarity, similarity.toFixed(2)]))));
}

function choose(i) {
  chosen = i;
  spans.forEach((span, j) => span.classList.toggle("chosen", j === i));
  [...header.children].forEach((cell, j) => cell.classList.toggle("chosen", j === i + 1));
  at("detail").replaceChildren(...describe(i));
  if (i === T - 1 && data.next) at("detail").append(element("p", {}, "Next, after the last token, it expects:"), bars(data.next.top));
  drawMap();
}
choose(chosen);
drawHeads();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawHeads(); drawMap(); });
addEventListener("resize", drawMap);
`;

// The places that a reader keeps, in this browser alone: a street or a district by its name, with the districts it is in. The
// page says of each whether something on is about it; nothing of it is ever sent.
const MOST = 12;
let offered = null;

function box() {
  return document.querySelector("[data-places]");
}

// Several towns may have one address in common: each keeps its own.
const shelf = () => `tocsin places ${box().dataset.places}`;

function kept() {
  try {
    const all = JSON.parse(localStorage.getItem(shelf()) ?? "[]");
    return Array.isArray(all) ? all.filter(({name, codes}) => typeof name === "string" && Array.isArray(codes)).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

function keep(all) {
  try {
    localStorage.setItem(shelf(), JSON.stringify(all.slice(-MOST)));
  } catch { /* a browser that keeps nothing shows what it showed before */ }
  show();
}

function made(name, words, more = {}) {
  return Object.assign(document.createElement(name), {textContent: words, ...more});
}

// What the page says of a place's districts, once each; a street may be in several.
function concern(codes) {
  const rows = codes.map((code) => document.querySelector(`dt[data-district="${CSS.escape(code)}"]`)).filter(Boolean);
  const ids = (what) => [...new Set(rows.flatMap((row) => row.dataset[what].split(" ").filter(Boolean)))];
  const {yes, perhaps, no} = box().dataset, sure = ids("sure"), found = sure.length ? sure : ids("perhaps");
  if (!found.length) return [no];
  const links = found.map((id) => made("a", document.querySelector(`#a-${CSS.escape(id)} h3 > :last-child`)?.textContent ?? id, {href: `#a-${id}`}));
  return [`${sure.length ? yes : perhaps} `, ...links.flatMap((link, n) => (n ? [", ", link] : [link]))];
}

function row({name, codes}) {
  const {drop} = box().dataset, line = document.createElement("li"), button = made("button", "✕", {type: "button"});
  button.setAttribute("aria-label", drop.replace("{place}", () => name));
  button.addEventListener("click", () => { keep(kept().filter((each) => each.name !== name)); box().querySelector("button")?.focus(); });
  const said = document.createElement("span");
  said.append(made("strong", name), " – ", ...concern(codes));
  line.append(said, button);
  return line;
}

function show() {
  const place = box();
  if (!place) return;
  const all = kept(), list = document.createElement("ul");
  list.append(...all.map(row));
  const isNew = offered && all.length < MOST && !all.some(({name}) => name === offered.name);
  const button = isNew ? made("button", place.dataset.keep.replace("{place}", () => offered.name), {type: "button"}) : null;
  button?.addEventListener("click", () => { keep([...kept(), offered]); place.querySelector("li:last-child button")?.focus(); });
  place.replaceChildren(...(all.length ? [list] : []), ...(button ? [button] : []));
  place.hidden = !place.childNodes.length;
}

// Beside each district's answer, for who knows its name.
function offer() {
  for (const district of document.querySelectorAll("dt[data-district]")) {
    const name = district.textContent.trim(), answer = district.nextElementSibling;
    if (answer.querySelector("button")) continue;
    const button = made("button", "☆", {type: "button"});
    button.setAttribute("aria-label", box().dataset.keep.replace("{place}", () => name));
    button.addEventListener("click", () => keep([...kept().filter((each) => each.name !== name), {name, codes: [district.dataset.district]}]));
    answer.append(" ", button);
  }
}

function renew() {
  if (!box()) return;
  offer();
  show();
}

// A street that was chosen (streets.js), or where somebody is (reader.js).
document.addEventListener("place", ({detail}) => { offered = detail; show(); });
addEventListener("storage", show);
renew();
new MutationObserver(renew).observe(document.querySelector("main"), {childList: true});

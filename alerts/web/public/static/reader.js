// What a reader may do with a page: hand it on, have it read aloud, print it, ask whether it concerns them.
// The page may be put anew at any moment (public.js), so everything is looked for when it is touched.
const speech = window.speechSynthesis;

function offer() {
  for (const place of document.querySelectorAll("[data-hand-on][hidden]")) {
    place.querySelector("[data-share]").hidden = !navigator.share;
    place.querySelector("[data-read]").hidden = !speech || !document.querySelector("[data-readable]");
    place.querySelector("[data-copy]").hidden = !navigator.clipboard;
    place.hidden = false;
  }
  for (const place of document.querySelectorAll("[data-locate][hidden]")) place.hidden = !navigator.geolocation;
}

const deeds = {
  share: ({title, text, address}) => navigator.share({title, text, url: address}).catch(() => {}),
  print: () => print(),
  copy: async ({title, text, address}, place, button) => {
    const rest = text.startsWith(`${title}. `) ? text.slice(title.length + 2) : text;
    await navigator.clipboard.writeText(`*${title}*\n${rest}\n${address}`);
    place.querySelector("[role=status]").textContent = button.dataset.done;
  },
  read: (_, place, button) => {
    if (speech.speaking) return speech.cancel();
    const said = new SpeechSynthesisUtterance(document.querySelector("[data-readable]").innerText);
    const words = button.textContent;
    said.lang = document.documentElement.lang;
    said.onend = said.onerror = () => { button.textContent = words; };
    button.textContent = button.dataset.stop;
    speech.speak(said);
  },
};

document.addEventListener("click", ({target}) => {
  const button = target.closest("button");
  const place = button?.closest("[data-hand-on]");
  if (place) return deeds[Object.keys(deeds).find((deed) => deed in button.dataset)]?.(place.dataset, place, button);
  if (button?.closest("[data-locate]")) locate(button.closest("[data-locate]"));
});

// Where somebody is stays in their browser: the town's outlines come here, and are compared here.
function locate(place) {
  const tell = (said) => say([Object.assign(document.createElement("p"), {textContent: said})]);
  navigator.geolocation.getCurrentPosition(
    ({coords}) => compare(place.dataset, [coords.longitude, coords.latitude], tell),
    () => tell(place.dataset.lost),
    {timeout: 10000, maximumAge: 60000},
  );
}

// What is said already isn't said again: it would be read out anew.
function say(nodes, place = document.querySelector("[data-verdict]")) {
  const fresh = document.createElement("div");
  fresh.append(...nodes);
  if (fresh.innerHTML !== place.innerHTML) place.replaceChildren(...fresh.childNodes);
}

// Sentences, each with the incidents that it is about; also what another script found out (streets.js).
function verdict(told) {
  return told.flatMap(([words, found]) => [Object.assign(document.createElement("p"), {textContent: words}), ...[...found].map(cardOf)]);
}

document.addEventListener("verdict", ({target, detail}) => say(verdict(detail), target));

async function compare(told, here, tell) {
  const [areas, districts] = await Promise.all([told.areas, told.districts].map((address) => fetch(address).then((answer) => answer.json())));
  const district = districts.features.find((each) => holds(each, here));
  if (!district) return tell(told.outside);
  const {name, code} = district.properties;
  document.dispatchEvent(new CustomEvent("place", {detail: {name, codes: [code]}}));
  const on = areas.features.filter(({properties}) => !properties.over && new Date(properties.onset) <= Date.now());
  const sure = new Set(on.filter((each) => each.properties.whole || holds(each, here)).map((each) => each.properties.incident));
  const perhaps = new Set(on.filter((each) => !each.geometry && !each.properties.whole).map((each) => each.properties.incident));
  if (!sure.size && !perhaps.size) return tell(told.no);
  say(verdict([[told.yes, sure], [told.perhaps, perhaps]].filter(([, found]) => found.size)));
}

// The card that the page shows of it already, with what to do; of what it doesn't show yet a link.
function cardOf(incident) {
  const shown = document.getElementById(`a-${incident}`);
  const card = document.createElement("div");
  if (shown) card.append(...[...shown.cloneNode(true).childNodes]);
  else card.append(Object.assign(document.createElement("a"), {href: `alerts/${incident}`, textContent: incident}));
  card.className = shown?.className ?? "card";
  for (const each of card.querySelectorAll("details")) each.open = true;
  for (const each of card.querySelectorAll("[id]")) each.removeAttribute("id");
  return card;
}

function holds({geometry, properties}, here) {
  if (!geometry) return false;
  if (geometry.type === "Point") return properties.radius && metres(geometry.coordinates, here) <= properties.radius;
  const parts = geometry.type === "MultiPolygon" ? geometry.coordinates : [geometry.coordinates];
  return parts.some(([outer, ...gaps]) => within(outer, here) && !gaps.some((gap) => within(gap, here)));
}

function within(ring, [x, y]) {
  let inside = false;
  for (let at = 0, before = ring.length - 1; at < ring.length; before = at++) {
    const [[x1, y1], [x2, y2]] = [ring[at], ring[before]];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

function metres([x1, y1], [x2, y2]) {
  const east = (x2 - x1) * Math.cos(((y1 + y2) / 2) * Math.PI / 180);
  return Math.hypot(east, y2 - y1) * 111195;
}

offer();
new MutationObserver(offer).observe(document.querySelector("main"), {childList: true});

// The map, and the page kept true while it is open. Without this script the page says the same.
let told = document.querySelector("main").innerHTML;
const charts = new WeakMap();
const map = document.getElementById("map");
if (map && window.L) draw(map);
else map?.classList.add("gone");

async function draw(place) {
  const {districts, tiles, tilesBy, zoomIn, zoomOut} = place.dataset;
  place.classList.add("ready");
  const zoomSnap = tiles && !tiles.endsWith(".pmtiles") ? 1 : 0; // what is drawn here may be of any size, and fills the place it has
  const chart = L.map(place, {scrollWheelZoom: false, zoomControl: false, attributionControl: Boolean(tiles), zoomSnap}).setView([46, 2], 5);
  L.control.zoom({zoomInTitle: zoomIn, zoomOutTitle: zoomOut}).addTo(chart);
  if (tiles) L.tileLayer(tiles, {attribution: tilesBy || ""}).addTo(chart);
  const layers = L.featureGroup().addTo(chart);
  const drawn = {chart, layers, told: null, ground: null, focus: null};
  charts.set(place, drawn);
  const ground = await get(districts);
  if (ground) {
    const named = {permanent: true, direction: "center", className: "district", opacity: 1};
    drawn.ground = L.geoJSON(ground, {
      style: calm(),
      onEachFeature: (feature, layer) => layer.bindTooltip(text(feature.properties.name), named).on({
        mouseover: () => layer.getTooltip().getElement()?.classList.remove("crowded"),
        mouseout: () => name(drawn.ground),
      }),
    }).addTo(layers);
    chart.on("zoomend", () => name(drawn.ground));
  }
  await fill(place);
  const bounds = drawn.focus ?? layers.getBounds();
  if (bounds.isValid()) chart.fitBounds(bounds, {padding: [16, 16], maxZoom: 15});
  else place.classList.replace("ready", "gone");
  name(drawn.ground);
}

// A district's name stands on it where there is room and no other name, else it comes with a finger or the mouse.
function name(ground) {
  const shown = [];
  ground?.eachLayer((layer) => {
    const place = layer.getElement()?.getBoundingClientRect(), words = layer.getTooltip().getElement();
    if (!place || !words) return;
    const own = words.getBoundingClientRect();
    const overlaps = ({left, right, top, bottom}) => own.left + 2 < right && left + 2 < own.right && own.top < bottom && top < own.bottom;
    const crowded = own.width > place.width || own.height > place.height || shown.some(overlaps);
    words.classList.toggle("crowded", crowded);
    if (!crowded) shown.push(own);
  });
}

// The whole town hatched by the worst of what is on everywhere: a district without an alert of its own is not a safe one.
function cover(drawn, features) {
  if (!drawn.ground) return;
  const onEverywhere = ({whole, over, planned, onset}) => whole && !over && !(planned && new Date(onset) > Date.now());
  const grave = new Set(features.map((feature) => feature.properties).filter(onEverywhere).map(shade));
  const worst = ["extreme", "severe", "moderate", "minor", "unknown"].find((each) => grave.has(each));
  drawn.ground.setStyle(worst ? {color: ink(worst), weight: 1.5, fillColor: hatch(drawn, ink(worst)), fillOpacity: 0.55} : calm());
}

function hatch(drawn, colour) {
  const drawing = drawn.chart.getPane("overlayPane").querySelector("svg"), names = "http://www.w3.org/2000/svg";
  drawing.querySelector("#hatched")?.remove();
  const pattern = drawing.appendChild(document.createElementNS(names, "pattern"));
  const line = pattern.appendChild(document.createElementNS(names, "rect"));
  const give = (node, values) => Object.entries(values).forEach(([key, value]) => node.setAttribute(key, value));
  give(pattern, {id: "hatched", width: 9, height: 9, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)"});
  give(line, {width: 3, height: 9, fill: colour});
  return "url(#hatched)";
}

function calm() {
  return {color: ink("soft"), weight: 1.5, fillColor: ink("soft"), fillOpacity: 0.04};
}

function shade(properties) {
  return properties.over ? "over" : (properties.severity || "unknown").toLowerCase();
}

// What is told, over the districts: what was told before goes.
async function fill(place) {
  const drawn = charts.get(place);
  const areas = place.dataset.areas ? await get(place.dataset.areas, {cache: "no-cache"}) : null;
  if (areas) lay(drawn, areas);
  // Other scripts put theirs on it (pins.js), and how much of the map is to be seen.
  drawn.waits = [];
  place.dispatchEvent(new CustomEvent("drawn", {bubbles: true, detail: drawn}));
  await Promise.all(drawn.waits);
}

function lay(drawn, areas) {
  if (drawn.told) drawn.layers.removeLayer(drawn.told);
  cover(drawn, areas.features);
  const shown = {...areas, features: areas.features.filter((feature) => feature.geometry)};
  drawn.told = L.geoJSON(shown, {
    style: (feature) => ({color: ink(shade(feature.properties)), weight: 3, fillOpacity: 0.2}),
    pointToLayer: (feature, at) => L.circle(at, {radius: feature.properties.radius || 100}),
    onEachFeature: (feature, layer) => layer.bindPopup(link(feature.properties), {closeButton: false}),
  }).addTo(drawn.layers);
}

function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

async function get(address, options) {
  try {
    const answer = await fetch(address, options);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function text(words) {
  const node = document.createElement("span");
  node.textContent = words;
  return node;
}

function link(properties) {
  const node = document.createElement("a");
  node.href = new URL(properties.url, location).pathname;  // of this very server, whatever the town calls it
  node.textContent = properties.title;
  return node;
}

// How long ago, beside the time: only where it was made here can it go on being true.
const language = document.documentElement.lang;
const ago = new Intl.RelativeTimeFormat(language, {numeric: "always"});
let skew = 0;
function tell() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (new Date(time.dateTime) - Date.now() - skew) / 1000;
    const [value, unit] = seconds > -3600 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
    time.title = time.title || time.textContent;
    time.textContent = ago.format(Math.min(-1, Math.round(value)), unit);
  }
  judge();
}

// Whether the page still holds: else the headline says of when it is. A page is made each minute, one incident's at its
// news alone: that one asks another (data-now). By the clock of the server it comes from, for the reader's may be wrong.
const PROMISED = 10 * 60000, UNHEARD = 4 * 60000;
let current = [], made = null, misses = 0, asked = false, wasHeard = false, isHeard = false;
function judge() {
  const words = document.querySelector(".outdated");
  if (!words || !asked) return;
  const old = misses > 1 || Boolean(made && Date.now() + skew - new Date(made.dataset.made) > (wasHeard && !isHeard ? UNHEARD : PROMISED));
  const time = words.querySelector("[data-last]");
  if (made && time.textContent !== made.dataset.said) [time.dateTime, time.textContent] = [made.dataset.made, made.dataset.said];
  if (old === !words.hidden) return;
  words.hidden = !old;
  // The tab says it too; what it said comes back with the page that holds again.
  const {stale, staleIcon} = document.querySelector("main").dataset;
  if (stale) {
    if (old) current = [document.title, icon().href];
    [document.title, icon().href] = old ? [stale, staleIcon] : current;
  }
  for (const each of document.querySelectorAll("[data-current]")) each.hidden = old;
}

function icon() {
  return document.querySelector("link[rel=icon]");
}

async function ask(address) {
  const answer = await fetch(address, {cache: "no-cache", signal: AbortSignal.timeout(20000)}).catch(() => null);
  const date = answer?.headers.get("date");
  if (date) skew = new Date(date) - Date.now() + 1000 * (answer.headers.get("age") || 0);
  const body = answer?.ok ? await answer.text().catch(() => null) : null;
  return body === null ? null : new DOMParser().parseFromString(body, "text/html");
}

// When something changes the page is fetched anew, quietly, and put in the place of the old one. Where only files are
// served there are no events: then it looks once a minute. What fails once is tried again before it is called lost.
const ON = "#on > li", AT_ONCE = 3;
let again = 0;
async function renew() {
  clearTimeout(again);
  const now = document.querySelector("main").dataset.now;
  const [fresh, state] = await Promise.all([ask(location.href), now ? ask(now) : null]);
  const known = (now ? state : fresh)?.querySelector("[data-made]");
  if (known) made = known;
  misses = fresh && (state || !now) ? 0 : misses + 1;
  if (misses === 1) again = setTimeout(renew, 10000 + 10000 * Math.random());
  if (fresh) put(fresh);
  if (fresh && stream.readyState === EventSource.CLOSED && wasHeard) listen();
  asked = true;
  tell();
}

function put(fresh) {
  const here = document.querySelector("main"), there = fresh.querySelector("main");
  const stamp = document.querySelector(".foot time"), newer = fresh.querySelector(".foot time");
  if (stamp && newer) stamp.replaceWith(newer);
  if (there.innerHTML === told) return;
  told = there.innerHTML;
  const inHand = here.contains(document.activeElement) ? whatIs(document.activeElement) : null;
  const before = new Set([...here.querySelectorAll(ON)].map(({id}) => id)), open = [...here.querySelectorAll("details[open][id]")];
  // What somebody is typing stays, and where they are in it.
  const [kept, anew] = [here, there].map((each) => each.querySelector("[data-kept]"));
  const typing = kept?.contains(document.activeElement) ? document.activeElement : null, caret = typing?.selectionStart;
  if (kept && anew) {
    Object.assign(kept.dataset, anew.dataset);
    anew.replaceWith(kept);
  }
  const chart = here.querySelector("#map.ready"), place = there.querySelector("#map");
  if (chart && place) place.replaceWith(chart);
  if (there.dataset.now) here.dataset.now = there.dataset.now;
  else delete here.dataset.now;
  here.replaceChildren(...there.childNodes);
  for (const {id} of open) document.getElementById(id)?.setAttribute("open", "");
  if (inHand) here.querySelector(inHand)?.focus({preventScroll: true});
  announce([...here.querySelectorAll(ON)].filter(({id}) => !before.has(id)));
  typing?.focus({preventScroll: true});
  if (caret >= 0) typing.setSelectionRange(caret, caret);
  document.title = fresh.title;
  icon().href = fresh.querySelector("link[rel=icon]").href;
  if (chart && place) fill(chart);
  else if (place && window.L) draw(place);
}

// A link, or the line of what opens: where a reader is stays where they are.
function whatIs(node) {
  const {id} = node.closest("summary")?.parentNode ?? {};
  if (id) return `#${CSS.escape(id)} > summary`;
  return node.hasAttribute("href") ? `a[href="${CSS.escape(node.getAttribute("href"))}"]` : null;
}

// All of the page is put anew, so nothing in it can be heard: what is new is said where nothing else ever changes.
function announce(cards) {
  const place = document.querySelector("[role=status][data-new]");
  if (!place || !cards.length) return;
  const words = (card, what) => card.querySelector(what)?.textContent.trim();
  const one = (card) => [[words(card, ".badge"), words(card, "h3 > :last-child")].filter(Boolean).join(" – "), words(card, "[data-where]")].filter(Boolean).join(", ");
  place.textContent = cards.slice(0, AT_ONCE).map((card) => place.dataset.new.replace("{alert}", () => one(card))).join(". ");
}

// Whoever is led to an alert that is a line finds it open.
function unfold() {
  const id = location.hash.slice(1);
  if (id.startsWith("a-")) document.getElementById(id)?.querySelector("details")?.setAttribute("open", "");
}
addEventListener("hashchange", unfold);
unfold();

// The page as it was last seen is there without a network, too (worker_page.js).
if (window.isSecureContext && document.querySelector("[data-made]") && navigator.serviceWorker) serve(navigator.serviceWorker).catch(() => null);

// The worker keeps what goes through it. On the first visit nothing did: it is told what this page is made of.
async function serve(workers) {
  const isFirst = !workers.controller;
  await workers.register(new URL("../sw.js", import.meta.url));
  const {active} = await workers.ready;
  const files = performance.getEntriesByType("resource").map(({name}) => name).filter((name) => /\/static\/|\/accent\.css$|\/logo\./.test(name));
  const form = document.querySelector('a[href$="/report"]');
  if (form) active.postMessage({form: form.href});
  if (isFirst) active.postMessage({seen: [location.href.split("#")[0], ...files]});
}

let stream;
function listen() {
  stream = new EventSource(new URL("../events", import.meta.url));
  let isFailing = false;
  stream.addEventListener("alerts", renew);
  stream.addEventListener("open", () => { wasHeard = isHeard = true; isFailing = false; });
  stream.addEventListener("error", () => {
    isHeard = false;
    if (!isFailing) renew();
    isFailing = true;
  });
}
listen();
tell();
setInterval(tell, 10000);
setInterval(renew, 60000);
addEventListener("online", renew);
document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });

// Who frames the small page may give it the height that it needs.
if (parent !== window) new ResizeObserver(() => parent.postMessage({tocsinHeight: document.body.offsetHeight}, "*")).observe(document.body);

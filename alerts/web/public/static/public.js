// The map, and the page kept true while it is open. Without this script the page says the same.
let told = document.querySelector("main").innerHTML;
const charts = new WeakMap();
const map = document.getElementById("map");
if (map && window.L) draw(map);

async function draw(place) {
  const {districts, tiles, tilesBy, zoomIn, zoomOut} = place.dataset;
  place.classList.add("ready");
  const chart = L.map(place, {scrollWheelZoom: false, zoomControl: false, attributionControl: Boolean(tiles)}).setView([46, 2], 5);
  L.control.zoom({zoomInTitle: zoomIn, zoomOutTitle: zoomOut}).addTo(chart);
  if (tiles) L.tileLayer(tiles, {attribution: tilesBy || ""}).addTo(chart);
  const layers = L.featureGroup().addTo(chart);
  charts.set(place, {chart, layers, told: null});
  const ground = await get(districts);
  if (ground) {
    L.geoJSON(ground, {
      style: {color: ink("soft"), weight: 1.5, fillOpacity: 0.04},
      onEachFeature: (feature, layer) => layer.bindTooltip(text(feature.properties.name)),
    }).addTo(layers);
  }
  await fill(place);
  const bounds = layers.getBounds();
  if (bounds.isValid()) chart.fitBounds(bounds, {padding: [16, 16], maxZoom: 15});
  else place.classList.remove("ready");
}

// What is told, over the districts: what was told before goes.
async function fill(place) {
  const drawn = charts.get(place), areas = await get(place.dataset.areas, {cache: "no-cache"});
  if (!areas) return;
  if (drawn.told) drawn.layers.removeLayer(drawn.told);
  const shown = {...areas, features: areas.features.filter((feature) => feature.geometry)};
  drawn.told = L.geoJSON(shown, {
    style: (feature) => ({color: ink((feature.properties.severity || "unknown").toLowerCase()), weight: 3, fillOpacity: 0.2}),
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
function tell() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
    const [value, unit] = seconds > -3600 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
    time.title = time.title || time.textContent;
    time.textContent = ago.format(Math.min(-1, Math.round(value)), unit);
  }
}
tell();
setInterval(tell, 30000);

// When something changes the page is fetched anew, quietly, and put in the place of the old one. Where only files are
// served there are no events: then it looks once a minute.
async function renew() {
  const answer = await fetch(location.href, {cache: "no-cache"}).catch(() => null);
  if (!answer || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const here = document.querySelector("main"), there = fresh.querySelector("main");
  if (there.innerHTML === told) return;
  told = there.innerHTML;
  const inHand = here.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const chart = here.querySelector("#map.ready"), place = there.querySelector("#map");
  if (chart && place) place.replaceWith(chart);
  here.replaceChildren(...there.childNodes);
  if (inHand) here.querySelector(`a[href="${CSS.escape(inHand)}"]`)?.focus({preventScroll: true});
  const foot = document.querySelector(".foot time"), made = fresh.querySelector(".foot time");
  if (foot && made) foot.replaceWith(made);
  document.title = fresh.title;
  if (chart && place) fill(chart);
  else if (place && window.L) draw(place);
  tell();
}
const stream = new EventSource("/events");
let polling = 0;
stream.addEventListener("alerts", renew);
stream.addEventListener("open", () => { clearInterval(polling); polling = 0; });
stream.addEventListener("error", () => { polling ||= setInterval(renew, 60000); });
setInterval(() => { if (stream.readyState === EventSource.OPEN) renew(); }, 60000);

// What people report, on the map: a sign on each square of 100 m. The list beside says the same, for a keyboard too.
const language = document.documentElement.lang;
const shown = new Map();
document.addEventListener("drawn", (event) => event.detail.waits.push(pin(event.target, event.detail)));
setInterval(() => { if (!document.hidden) for (const [place, drawn] of shown) pin(place, drawn); }, 60000);

async function pin(place, drawn) {
  const {pins, signs, only, tiles} = place.dataset;
  if (!pins) return;
  const answer = await fetch(pins, {cache: "no-cache"}).catch(() => null);
  const told = answer?.ok ? await answer.json().catch(() => null) : null;
  if (!told) return;
  const features = told.features.filter((feature) => !only || feature.id === only);
  // Above the names of districts, which would hide them.
  if (!drawn.chart.getPane("pins")) drawn.chart.createPane("pins").style.zIndex = 660;
  const layer = L.featureGroup([...squares(features).values()].map((here) => marker(here, signs)));
  shown.get(place)?.layer?.remove();
  shown.set(place, {...drawn, layer: layer.addTo(drawn.chart)});
  if (tiles && only && features.length) drawn.focus = L.latLng(at(features[0])).toBounds(400);
  if (tiles && only) for (const feature of features) L.rectangle(L.latLng(at(feature)).toBounds(100), {weight: 2, color: ink(), fillOpacity: 0.08}).addTo(layer);
  if (!drawn.layers.getLayers().length) drawn.focus ??= layer.getBounds();
}

function at(feature) {
  const [lon, lat] = feature.geometry.coordinates;
  return [lat, lon];
}

// Many that are told of one square would hide each other: they are one sign with their number.
function squares(features) {
  const found = new Map();
  for (const feature of features) {
    const square = feature.geometry.coordinates.join();
    found.set(square, [...(found.get(square) ?? []), feature]);
  }
  return found;
}

function marker(here, signs) {
  const open = here.filter((feature) => !feature.properties.closing), first = (open[0] ?? here[0]).properties;
  const html = document.createElement("div");
  html.className = open.length ? "pin" : "pin over";
  html.append(sign(`${signs}#${open.length ? first.pictogram : "done"}`));
  if (here.length > 1) html.appendChild(document.createElement("b")).textContent = here.length;
  // No stop of its own for a keyboard, where there may be two thousand: the list has them all.
  const made = L.marker(at(here[0]), {icon: L.divIcon({html, className: "", iconSize: [36, 36]}), keyboard: false, pane: "pins", title: first.title[language]});
  return made.bindPopup(() => list(here), {closeButton: false});
}

function sign(address) {
  const names = "http://www.w3.org/2000/svg", drawing = document.createElementNS(names, "svg");
  drawing.setAttribute("aria-hidden", "true");
  drawing.appendChild(document.createElementNS(names, "use")).setAttribute("href", address);
  return drawing;
}

function list(here) {
  const all = document.createElement("ul");
  all.className = "pinned";
  for (const {properties} of here) {
    const link = all.appendChild(document.createElement("li")).appendChild(document.createElement("a"));
    link.href = page(properties);
    link.textContent = properties.title[language] ?? properties.report;
  }
  return all;
}

// Of this very server, whatever the town calls it, and in the page's own language.
function page(properties) {
  return new URL(properties.pages[language] ?? properties.url, location).pathname;
}

function ink() {
  return getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
}

// The map beside the list of reports: pins, clusters that grow, the areas of what is on. The list says all of it too, so
// the map takes no key press of its own: it is for the eye, the mouse and the finger.
const place = document.querySelector("#map");
const board = document.querySelector("#board");
const L = window.L;
const VIEW = "tocsin:reports:view";
const APART = 36; // pixels: pins nearer than a finger are one bubble
const SOON = 400; // ms: a list that is swapped in changes many nodes

function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function words(text) {
  return Object.assign(document.createElement("span"), { textContent: text });
}

function icon(look, text) {
  const html = Object.assign(document.createElement("span"), { textContent: text });
  return L.divIcon({ className: `pin ${look}`, html, iconSize: [32, 32], iconAnchor: [16, 16] });
}

const SIGNS = { waiting: "!", taken: "›", over: "✓" };

class ReportMap {
  constructor(element) {
    const { tiles, tilesBy, zoomIn, zoomOut } = element.dataset;
    this.map = L.map(element, { zoomControl: false, attributionControl: Boolean(tiles), zoomSnap: tiles && !tiles.endsWith(".pmtiles") ? 1 : 0.25 });
    L.control.zoom({ zoomInTitle: zoomIn, zoomOutTitle: zoomOut }).addTo(this.map);
    if (tiles) L.tileLayer(tiles, { maxZoom: 19, attribution: tilesBy || "" }).addTo(this.map);
    this.map.setView([46.6, 2.5], 5);
    this.areas = L.featureGroup().addTo(this.map);
    this.pins = L.layerGroup().addTo(this.map);
    this.features = [];
    this.shown = new Map();
    this.map.on("zoomend", () => this.drawPins());
    this.map.on("moveend", () => this.keepView());
  }

  async open() {
    const ground = await get(place.dataset.districts);
    if (ground?.features.length) {
      this.ground = L.geoJSON(ground, { interactive: false, style: { color: ink("edge"), weight: 1.5, fillOpacity: 0.04 } }).addTo(this.map);
    }
    await this.fill();
    this.lookAt();
    this.settled = true;
  }

  async fill() {
    const told = await get(place.dataset.pins);
    if (!told) return;
    this.features = told.features.filter((each) => each.properties.what === "pin");
    this.drawAreas(told.features.filter((each) => each.properties.what !== "pin"));
    this.drawPins();
  }

  drawAreas(features) {
    this.areas.clearLayers();
    for (const feature of features) {
      const { what, name, url, radius } = feature.properties;
      const growing = what === "growing";
      const style = { color: ink(growing || what === "draft" ? "heed" : "bad"), weight: 2, fillOpacity: 0.12, dashArray: what === "area" ? null : "6 6" };
      const layer = growing ? L.circle(at(feature), { ...style, radius }) : L.geoJSON(feature, { style });
      layer.bindTooltip(words(name), { sticky: true });
      if (url) layer.on("click", () => location.assign(url));
      layer.addTo(this.areas);
    }
  }

  // Pins that a finger couldn't tell apart are one bubble with their number; a tap on it goes nearer.
  drawPins() {
    this.pins.clearLayers();
    this.shown.clear();
    const cells = new Map();
    for (const feature of this.features) {
      const { x, y } = this.map.project(at(feature));
      const cell = `${Math.floor(x / APART)} ${Math.floor(y / APART)}`;
      cells.set(cell, [...(cells.get(cell) ?? []), feature]);
    }
    for (const together of cells.values()) this.drawTogether(together);
  }

  drawTogether(together) {
    const [first] = together.slice(-1), { name, state, url } = first.properties;
    const bounds = L.latLngBounds(together.map(at));
    const alone = together.length === 1;
    const waits = together.some((each) => each.properties.state === "waiting");
    const look = alone ? state : `many ${waits ? "waiting" : "taken"}`;
    const marker = L.marker(alone ? at(first) : bounds.getCenter(), { icon: icon(look, alone ? SIGNS[state] : String(together.length)), keyboard: false });
    marker.bindTooltip(words(alone ? name : [...new Set(together.slice(-4).map((each) => each.properties.name))].join(" · ")));
    marker.on("click", () => (alone || this.map.getZoom() >= 18 ? location.assign(url) : this.nearer(bounds)));
    marker.addTo(this.pins);
    for (const each of together) this.shown.set(each.id, marker);
  }

  nearer(bounds) {
    const zoom = Math.max(this.map.getBoundsZoom(bounds.pad(0.2)), this.map.getZoom() + 1);
    this.map.setView(bounds.getCenter(), Math.min(zoom, 18));
  }

  // Where the reader looked before they opened a report; else all pins, else the town.
  lookAt() {
    try {
      const { lat, lng, zoom } = JSON.parse(sessionStorage.getItem(VIEW));
      this.map.setView([lat, lng], zoom);
      return;
    } catch {
      // nothing kept
    }
    const bounds = L.latLngBounds(this.features.map(at));
    if (this.ground && (!bounds.isValid() || this.ground.getBounds().contains(bounds))) bounds.extend(this.ground.getBounds());
    if (bounds.isValid()) this.map.fitBounds(bounds, { padding: [24, 24], maxZoom: 16 });
  }

  keepView() {
    if (!this.settled) return;
    const { lat, lng } = this.map.getCenter();
    sessionStorage.setItem(VIEW, JSON.stringify({ lat, lng, zoom: this.map.getZoom() }));
  }

  choose(number) {
    for (const marker of new Set(this.shown.values())) marker.getElement()?.classList.toggle("chosen", marker === this.shown.get(number));
  }
}

function at(feature) {
  const [lon, lat] = feature.geometry.coordinates;
  return L.latLng(lat, lon);
}

async function get(address) {
  try {
    const answer = await fetch(address, { credentials: "same-origin", headers: { Accept: "application/geo+json" } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

// Where there is room, what is asked for stands open beside what is found.
const filter = document.querySelector("#filter");
if (filter && matchMedia("(min-width: 62rem)").matches) filter.open = true;

if (place && L) {
  place.hidden = false;
  const drawn = new ReportMap(place);
  drawn.open();
  // The list is fetched anew by `watch.js` when something changed; then the map looks too.
  let timer = null;
  new MutationObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => drawn.fill(), SOON);
  }).observe(board, { childList: true });
  const number = (event) => event.target.closest?.("[data-report]")?.dataset.report;
  for (const name of ["mouseover", "focusin"]) board.addEventListener(name, (event) => drawn.choose(number(event)));
}

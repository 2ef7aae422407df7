// The map of the compose page: the districts to tick, and an outline drawn corner by corner, by mouse or finger. What is
// drawn stands as coordinates in the form, where it can be typed just as well.

const box = document.querySelector("#map-box");
const fold = document.querySelector("#map-fold");
const form = document.querySelector("#compose");
const L = window.L;
const CLOSE_ENOUGH = 22; // pixels: a finger's width

function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button small";
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}

function spell({ lat, lng }) {
  return `${lat.toFixed(5)},${lng.toFixed(5)}`;
}

function pointsOf(line) {
  const points = line.trim().split(/\s+/).map((pair) => pair.split(",").map(Number));
  return points.every((pair) => pair.length === 2 && pair.every(Number.isFinite)) ? points : null;
}

function circleOf(line) {
  const [centre, radius] = line.trim().split(/\s+/);
  const point = pointsOf(centre ?? "");
  return point && Number(radius) > 0 ? [point[0], Number(radius) * 1000] : null;
}

class Drawing {
  constructor(element, words) {
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim() || "#0b5f58";
    this.style = { color: colour, weight: 3, fillOpacity: 0.25 };
    this.words = words;
    this.map = L.map(element, { attributionControl: Boolean(words.tiles), zoomControl: false, doubleClickZoom: false, zoomSnap: 0.25 });
    L.control.zoom({ zoomInTitle: words.in, zoomOutTitle: words.out }).addTo(this.map);
    if (words.tiles) L.tileLayer(words.tiles, { maxZoom: 19 }).addTo(this.map);
    this.map.setView([46.6, 2.5], 5);
    this.shapes = L.layerGroup().addTo(this.map);
    this.line = L.polyline([], { ...this.style, dashArray: "6 6", interactive: false }).addTo(this.map);
    this.corners = L.layerGroup().addTo(this.map);
    this.points = [];
    this.drawing = false;
    this.map.on("click", (event) => this.tapped(event));
    this.tools();
  }

  tools() {
    this.said = Object.assign(document.createElement("p"), { className: "map-said" });
    this.said.setAttribute("role", "status");
    const bar = Object.assign(document.createElement("div"), { className: "map-tools" });
    this.begin = button(this.words.start, () => (this.drawing ? this.stop() : this.startDrawing()));
    this.begin.setAttribute("aria-pressed", "false");
    this.undo = button(this.words.undo, () => this.back());
    this.shut = button(this.words.close, () => this.close());
    this.clear = button(this.words.clear, () => this.remove());
    bar.append(this.begin, this.undo, this.shut, this.clear);
    box.append(bar, this.said);
    this.showTools();
  }

  showTools() {
    this.undo.disabled = !this.points.length;
    this.shut.disabled = this.points.length < 3;
    this.clear.disabled = !form.elements.polygon.value.trim();
    this.begin.setAttribute("aria-pressed", String(this.drawing));
    this.map.getContainer().classList.toggle("drawing", this.drawing);
  }

  startDrawing() {
    this.drawing = true;
    this.said.textContent = this.words.how;
    this.showTools();
  }

  stop() {
    this.drawing = false;
    this.points = [];
    this.draw();
  }

  tapped(event) {
    if (!this.drawing) return;
    const first = this.points[0];
    const near = first && this.map.latLngToContainerPoint(first).distanceTo(event.containerPoint) < CLOSE_ENOUGH;
    if (near && this.points.length > 2) {
      this.close();
      return;
    }
    this.points.push(event.latlng);
    this.draw();
  }

  back() {
    this.points.pop();
    this.draw();
  }

  close() {
    if (this.points.length < 3) {
      this.said.textContent = this.words.few;
      return;
    }
    const field = form.elements.polygon;
    const ring = [...this.points, this.points[0]].map(spell).join(" ");
    field.value = [field.value.trim(), ring].filter(Boolean).join("\n");
    this.stop();
    this.said.textContent = this.words.closed;
    this.show();
    form.dispatchEvent(new Event("drawn"));
  }

  remove() {
    const field = form.elements.polygon;
    field.value = field.value.trim().split("\n").slice(0, -1).join("\n");
    this.show();
    form.dispatchEvent(new Event("drawn"));
  }

  draw() {
    this.line.setLatLngs(this.points);
    this.corners.clearLayers();
    for (const point of this.points) L.circleMarker(point, { ...this.style, radius: 6, fillOpacity: 1, interactive: false }).addTo(this.corners);
    this.showTools();
  }

  // What stands in the fields, typed or drawn.
  show() {
    this.shapes.clearLayers();
    for (const line of form.elements.polygon.value.split("\n")) {
      const points = pointsOf(line);
      if (points && points.length > 2) L.polygon(points, { ...this.style, interactive: false }).addTo(this.shapes);
    }
    for (const line of form.elements.circle.value.split("\n")) {
      const circle = circleOf(line);
      if (circle) L.circle(circle[0], { ...this.style, radius: circle[1], interactive: false }).addTo(this.shapes);
    }
    this.showTools();
  }

  districts(outlines) {
    const box = (code) => form.querySelector(`[name=area][value="${CSS.escape(code)}"]`);
    const styled = (feature) =>
      box(feature.properties.code)?.checked
        ? { ...this.style, weight: 3, fillOpacity: 0.35 }
        : { color: "#7d8784", weight: 1.5, fillOpacity: 0.06 };
    const layer = L.geoJSON(outlines, {
      style: styled,
      onEachFeature: (feature, each) => {
        const name = Object.assign(document.createElement("span"), { textContent: feature.properties.name });
        each.bindTooltip(name, { permanent: true, direction: "center" });
        each.on("click", (event) => {
          const tick = box(feature.properties.code);
          if (this.drawing || !tick) return;
          L.DomEvent.stopPropagation(event);
          tick.click();
        });
      },
    }).addTo(this.map);
    const again = () => layer.setStyle(styled);
    form.addEventListener("input", again);
    form.addEventListener("filled", again);
    if (layer.getLayers().length) this.map.fitBounds(layer.getBounds(), { padding: [8, 8] });
    const readable = () => apart(layer.getLayers().map((each) => each.getTooltip()));
    this.map.on("zoomend resize", readable);
    readable();
  }
}

// Of names that would lie on one another the first is shown alone, until the map is large enough for all.
function apart(names) {
  const shown = [];
  for (const name of names) {
    const words = name.getElement(), own = words?.getBoundingClientRect();
    if (!own) continue;
    const free = !shown.some((each) => own.left < each.right && each.left < own.right && own.top < each.bottom && each.top < own.bottom);
    words.style.visibility = free ? "" : "hidden";
    if (free) shown.push(own);
  }
}

async function open() {
  if (box.dataset.open) return;
  box.dataset.open = "yes";
  box.hidden = false;
  const element = Object.assign(document.createElement("div"), { id: "map" });
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", box.dataset.label);
  box.append(element);
  const drawing = new Drawing(element, box.dataset);
  drawing.show();
  for (const name of ["input", "filled"]) form.addEventListener(name, () => drawing.show());
  const answer = await fetch(box.dataset.districts, { credentials: "same-origin" });
  if (answer.ok) drawing.districts(await answer.json());
}

if (box && L) {
  fold.addEventListener("toggle", () => fold.open && open());
  if (fold.open) open();
}

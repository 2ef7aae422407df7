// Where a report is, on a small map. In a form, a tap fills the numbers below, which can be typed just as well.
const place = document.querySelector("#map");
const form = document.querySelector("#new-report");
const L = window.L;

async function open() {
  const { districts, tiles, tilesBy, zoomIn, zoomOut } = place.dataset;
  place.hidden = false;
  const map = L.map(place, { zoomControl: false, attributionControl: Boolean(tiles), zoomSnap: tiles && !tiles.endsWith(".pmtiles") ? 1 : 0.25 }).setView([46.6, 2.5], 5);
  L.control.zoom({ zoomInTitle: zoomIn, zoomOutTitle: zoomOut }).addTo(map);
  if (tiles) L.tileLayer(tiles, { maxZoom: 19, attribution: tilesBy || "" }).addTo(map);
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
  const { lat, lon } = form?.elements ?? { lat: { value: place.dataset.lat }, lon: { value: place.dataset.lon } };
  let spot = null;
  const show = () => {
    spot?.remove();
    const at = [lat.value, lon.value].map((typed) => Number.parseFloat(typed.replace(",", ".")));
    spot = at.every(Number.isFinite) ? L.circleMarker(at, { color: colour, radius: 9, fillOpacity: 0.6, interactive: false }).addTo(map) : null;
  };
  if (form) map.on("click", ({ latlng }) => {
    [lat.value, lon.value] = [latlng.lat.toFixed(5), latlng.lng.toFixed(5)];
    document.querySelector("#position").open = true;
    show();
  });
  form?.addEventListener("input", show);
  show();
  if (spot && tiles) map.setView(spot.getLatLng(), 16);
  const answer = await fetch(districts, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return;
  const ground = L.geoJSON(await answer.json(), { interactive: false, style: { color: colour, weight: 1.5, fillOpacity: 0.04 } }).addTo(map);
  if (ground.getLayers().length && !(spot && tiles)) map.fitBounds(ground.getBounds(), { padding: [8, 8] });
}

if (place && L) open();

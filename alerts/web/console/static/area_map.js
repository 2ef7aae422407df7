// The area of an alert on a small map. The words above it say the same: the map is a picture of them.
const place = document.querySelector("#map");
place.hidden = false;
const shapes = JSON.parse(place.dataset.outline);
const map = L.map(place, { attributionControl: Boolean(place.dataset.tiles), scrollWheelZoom: false, zoomControl: true });
if (place.dataset.tiles) {
  const { hostname } = new URL(place.dataset.tiles.replace(/[{}]/g, ""), location.href);
  L.tileLayer(place.dataset.tiles, { maxZoom: 19, attribution: hostname === location.hostname ? "" : hostname }).addTo(map);
}
const outline = L.geoJSON(shapes, { interactive: false, style: { weight: 3, fillOpacity: 0.2 } }).addTo(map);
map.fitBounds(outline.getBounds(), { padding: [16, 16], maxZoom: 15 });

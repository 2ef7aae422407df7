// The form for reports: position, map, street names, what is known there, a smaller photo; kept where there is no network.
// Without this script it is the same form, with an address in place of the pin.
const form = document.getElementById("report"), fields = form.elements, language = document.documentElement.lang;
const said = document.getElementById("place-said"), sending = document.getElementById("sending");
const HASTY = 3500, FORM_LASTS = 20 * 3600_000, PROOF_WITHIN = 30_000, SENT_WITHIN = 60_000;
const store = await import(new URL(form.dataset.keeping, location)).catch(() => null);
const opened = Date.now();
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
const chosen = () => form.querySelector("input[name=kind]:checked");
const hasPlace = () => Boolean(fields.lat.value && fields.lon.value) || fields.address.value.trim() !== "";
let photo = null, chart = null, pin = null, looking = null;

document.documentElement.classList.add("scripts");
// A page that comes off a shelf brings the key of an older form: each form that is opened has one of its own.
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
if (!document.getElementById("summary")) fields.key.value = newKey();
addEventListener("pageshow", ({persisted}) => {
  if (!persisted) return;
  fields.key.value = newKey();
  busy(false);
});

// --- What it is

form.addEventListener("change", ({target}) => {
  if (target.name !== "kind") return;
  choose();
  if (hasPlace()) look();
});
// A finger or a mouse goes on to the next step by itself; whoever moves by keys or reads aloud stays where they are.
form.addEventListener("click", ({target, detail}) => {
  if (target.name !== "kind" || !detail) return;
  const stop = target.dataset.stop && document.getElementById(target.dataset.stop);
  (stop || document.getElementById("step-place")).scrollIntoView({behavior: calm(), block: "start"});
});

function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}

function choose() {
  form.classList.toggle("chosen", Boolean(chosen()));
  sending.textContent = "";
  if (chosen() && !chosen().dataset.stop) draw();
}

// --- Where it is

document.getElementById("here").addEventListener("click", ({currentTarget: button}) => {
  if (!navigator.geolocation) return tell("denied");
  tell("asking");
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    ({coords}) => {
      button.disabled = false;
      setPlace(coords.latitude, coords.longitude);
      tell(coords.accuracy > 150 ? "far" : "taken", Math.max(1, Math.round(coords.accuracy)));
      look(true);
    },
    () => { button.disabled = false; tell("denied"); },
    {enableHighAccuracy: true, timeout: 15_000, maximumAge: 30_000},
  );
});

function tell(what, n = "") {
  said.textContent = said.dataset[what].replace("{n}", n);
}

function setPlace(lat, lon) {
  [fields.lat.value, fields.lon.value, fields.address.value] = [lat.toFixed(6), lon.toFixed(6), ""];
  fields.address.removeAttribute("aria-invalid");
  document.getElementById("wrong-place")?.remove();
  sending.textContent = "";
  showPin(lat, lon);
}

function showPin(lat, lon) {
  if (!chart) return;
  const there = L.latLng(lat, lon);
  if (pin) pin.setLatLng(there);
  else pin = L.circleMarker(there, {radius: 11, weight: 4, className: "my-pin", interactive: false}).addTo(chart);
  // Outlines alone are nothing to be near to.
  chart.setView(there, Math.max(chart.getZoom(), document.getElementById("pick").dataset.tiles ? 16 : 14));
}

async function draw() {
  const place = document.getElementById("pick");
  if (chart || !window.L || place.dataset.drawn) return;
  place.dataset.drawn = "1";
  const {districts, tiles, tilesBy, zoomIn, zoomOut} = place.dataset;
  place.classList.add("ready");
  chart = L.map(place, {scrollWheelZoom: false, zoomControl: false, attributionControl: Boolean(tiles), zoomSnap: tiles && !tiles.endsWith(".pmtiles") ? 1 : 0}).setView([46, 2], 5);
  L.control.zoom({zoomInTitle: zoomIn, zoomOutTitle: zoomOut}).addTo(chart);
  if (tiles) L.tileLayer(tiles, {attribution: tilesBy || ""}).addTo(chart);
  chart.on("click", ({latlng}) => { setPlace(latlng.lat, latlng.lng); tell("set"); look(); });
  place.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target !== place) return;
    event.preventDefault();
    const middle = chart.getCenter();
    setPlace(middle.lat, middle.lng);
    tell("set");
    look();
  });
  const ground = await fetch(districts).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--soft").trim();
  const layer = ground?.features.length ? L.geoJSON(ground, {style: {color: ink, weight: 1.5, fillColor: ink, fillOpacity: 0.05}, interactive: false}).addTo(chart) : null;
  if (layer) {
    ground.features.forEach((feature, place) => layer.getLayers()[place]?.bindTooltip(named(feature.properties.name), {permanent: true, direction: "center", className: "district", opacity: 1}));
    chart.fitBounds(layer.getBounds(), {padding: [8, 8]});
  } else if (!tiles) place.parentElement.hidden = true;
  if (fields.lat.value) showPin(Number(fields.lat.value), Number(fields.lon.value));
}

function named(words) {
  const node = document.createElement("span");
  node.textContent = words;
  return node;
}

// Streets, once they are asked for: what somebody types of one stays here.
let streets = null;
const plain = (words) => words.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
fields.address.addEventListener("input", async () => {
  [fields.lat.value, fields.lon.value] = ["", ""];
  pin?.remove();
  pin = null;
  said.textContent = "";
  if (!form.dataset.streets) return;
  streets ??= await fetch(form.dataset.streets).then((answer) => answer.json()).then((names) => names.map((name) => [name, ` ${plain(name)}`])).catch(() => []);
  const [, number, words] = /^\s*(\d+\s*(?:bis|ter|quater)?[\s,]+)?(.*)$/i.exec(fields.address.value);
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  const found = wanted.join("").length < 2 ? [] : streets.filter(([, name]) => wanted.every((word) => name.includes(` ${word}`) || name.includes(`’${word}`) || name.includes(`'${word}`) || name.includes(`-${word}`)));
  document.getElementById("streets").replaceChildren(...found.slice(0, 8).map(([name]) => new Option("", `${(number || "").trim()} ${name}`.trim())));
});
fields.address.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  look(true);
});
fields.address.addEventListener("change", () => look());

// --- What is known there already

async function look(goOn = false) {
  if (!chosen() || chosen().dataset.stop || !hasPlace()) return;
  looking?.abort();
  const mine = (looking = new AbortController());
  const asked = new FormData();
  for (const name of ["kind", "lat", "lon", "address"]) asked.append(name, fields[name].value);
  asked.append("look", "1");
  const page = await fetch(form.action, {method: "POST", body: new URLSearchParams(asked), signal: mine.signal})
    .then((answer) => answer.text()).then((text) => new DOMParser().parseFromString(text, "text/html")).catch(() => null);
  if (!page || looking !== mine) return;
  document.getElementById("known").replaceChildren(...page.getElementById("known")?.childNodes || []);
  const wrong = page.getElementById("wrong-place"), there = page.getElementById("place-said");
  document.getElementById("wrong-place")?.remove();
  document.querySelector("#step-place .warn")?.remove();
  if (wrong) said.before(wrong);
  fields.address.toggleAttribute("aria-invalid", Boolean(wrong));
  const outside = page.querySelector("#step-place .warn"), near = there?.textContent.trim();
  if (outside) said.after(outside);
  if (there?.dataset.lat && !fields.lat.value) showPin(Number(there.dataset.lat), Number(there.dataset.lon));
  if (near && [said.dataset.set, ""].includes(said.textContent)) said.textContent = near;
  if (goOn && !wrong) (document.querySelector("#known h2") || document.getElementById("step-words")).scrollIntoView({behavior: calm(), block: "start"});
}

// --- A photo: made smaller here, which also leaves behind where and when it was taken

fields.photo.addEventListener("change", async () => {
  const [file] = fields.photo.files;
  photo = null;
  document.getElementById("wrong-photo")?.remove();
  showPhoto(false);
  if (!file) return;
  try {
    const drawn = await createImageBitmap(file, {imageOrientation: "from-image"});
    const scale = Math.min(1, 1600 / Math.max(drawn.width, drawn.height)), canvas = form.querySelector(".preview canvas");
    [canvas.width, canvas.height] = [Math.round(drawn.width * scale), Math.round(drawn.height * scale)];
    canvas.getContext("2d").drawImage(drawn, 0, 0, canvas.width, canvas.height);
    photo = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
    showPhoto(Boolean(photo));
  } catch {
    photo = file; // this browser can't open it; perhaps the town can
  }
  if (photo && photo.size > 10_000_000) {
    const wrong = Object.assign(document.createElement("p"), {className: "wrong", id: "wrong-photo", textContent: fields.photo.dataset.large});
    fields.photo.before(wrong);
    fields.photo.value = "";
    photo = null;
  }
});
document.getElementById("no-photo").addEventListener("click", () => {
  [photo, fields.photo.value] = [null, ""];
  showPhoto(false);
  fields.photo.focus();
});

function showPhoto(is) {
  form.querySelector(".preview").hidden = !is;
}

// --- Sending

form.addEventListener("submit", async (event) => {
  if (event.submitter?.name === "agree") return;
  event.preventDefault();
  if (event.submitter?.name === "look") return look(true);
  if (form.getAttribute("aria-busy")) return; // a second tap
  if (!hasPlace()) {
    sending.textContent = sending.dataset.noplace;
    document.getElementById("step-place").focus();
    return;
  }
  busy(true);
  const report = {key: fields.key.value, at: Date.now(), action: form.action, name: chosen().closest("label").textContent.trim(), photo,
    fields: Object.fromEntries(["kind", "lat", "lon", "address", "text", "key", "website"].map((name) => [name, fields[name].value]))};
  // It is on the phone before it leaves: who closes the page, or loses the network, loses nothing.
  const isKept = await store?.keep(report).then(() => true, () => false);
  const came = navigator.onLine ? await send(report, {first: true}) : {};
  if (came.link) location.assign(came.link);
  else if (came.page) await show(came.page, report);
  else await setAside(isKept, came.status ? "refused" : "offline");
});

// It waits on the phone: the form is empty again, and what waits is in sight. Where nothing is kept, all stays as it is.
async function setAside(isKept, why) {
  busy(false);
  if (!isKept) {
    sending.textContent = sending.dataset.lost;
    return;
  }
  form.reset();
  [photo, fields.key.value, fields.lat.value, fields.lon.value] = [null, newKey(), "", ""];
  pin?.remove();
  [pin, said.textContent] = [null, ""];
  document.getElementById("known").replaceChildren();
  showPhoto(false);
  choose();
  await list();
  const place = document.getElementById("kept");
  place.querySelector("p").textContent = sending.dataset[why];
  place.focus({preventScroll: true});
  place.scrollIntoView({behavior: calm(), block: "start"});
}

function busy(is) {
  is ? form.setAttribute("aria-busy", "true") : form.removeAttribute("aria-busy");
  sending.textContent = is ? sending.dataset.busy : "";
}

// What is wrong with it, as the town says it: beside the fields, and the photo stays chosen.
async function show(page, report) {
  await store?.drop(report.key).catch(() => null);
  busy(false);
  for (const old of form.querySelectorAll(".wrong")) old.remove();
  document.getElementById("summary")?.remove();
  const summary = page.getElementById("summary");
  if (summary) form.before(summary);
  for (const wrong of page.querySelectorAll("#report .wrong")) {
    const field = {"wrong-kind": "#step-kind .grid", "wrong-place": "#place-said", "wrong-text": "label[for=text]", "wrong-photo": "label[for=photo]"}[wrong.id];
    form.querySelector(field)?.before(wrong);
  }
  summary?.focus();
}

// {link}: it is there. {page}: why it isn't taken. {status}: the town can't just now. Nothing: no network.
async function send(report, {first = false} = {}) {
  try {
    const seal = first && isFresh() ? (await pause(HASTY - (Date.now() - opened)), fields.form.value) : await freshSeal();
    if (!first) form.dispatchEvent(new Event("proof-wanted"));
    const proof = (await Promise.race([form.proof, pause(PROOF_WITHIN)])) || "";
    const body = new FormData();
    for (const [name, value] of Object.entries({...report.fields, form: seal, altcha: proof})) body.append(name, value);
    if (report.photo) body.append("photo", report.photo, "photo.jpg");
    const answer = await fetch(report.action, {method: "POST", body, signal: AbortSignal.timeout?.(SENT_WITHIN)});
    if (answer.redirected && answer.ok) {
      await store?.drop(report.key).catch(() => null);
      return {link: answer.url};
    }
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return {status: answer.status};
    return {page: new DOMParser().parseFromString(await answer.text(), "text/html")};
  } catch {
    return {};
  }
}

function isFresh() {
  return Math.abs(Date.now() - new Date(form.dataset.made)) < FORM_LASTS;
}

async function freshSeal() {
  const {form: seal} = await (await fetch(form.dataset.fresh, {cache: "no-store"})).json();
  await pause(HASTY);
  return seal;
}

// --- What waits on this phone

const words = document.getElementById("words").content.firstElementChild.dataset;
let isSending = false;

// What the town refused is sent again by a hand alone.
async function sendKept(byHand = false) {
  if (isSending || !store || !navigator.onLine) return;
  isSending = true;
  try {
    for (const report of await store.kept().catch(() => [])) {
      if (report.link || (report.broken && !byHand) || form.getAttribute("aria-busy")) continue;
      const came = await send(report);
      const {key, at, name} = report;
      if (came.link) await store.keep({key, at, name, link: came.link.split("?")[0], number: /\/report\/([^/]+)\//.exec(came.link)?.[1] || ""});
      else if (came.page) await store.keep({...report, broken: (came.page.querySelector(".wrong, #summary p:last-child")?.textContent || "").trim()});
      else break;
    }
  } finally {
    isSending = false;
    document.querySelector("#kept p").textContent = "";
    list();
  }
}

async function list() {
  const place = document.getElementById("kept"), all = (await store?.kept().catch(() => [])) || [];
  const shown = all.filter((report) => !(form.getAttribute("aria-busy") && report.key === fields.key.value));
  place.hidden = !shown.length;
  place.querySelector("ul").replaceChildren(...shown.sort((one, other) => other.at - one.at).map(line));
}

function line(report) {
  const item = document.createElement("li"), when = new Intl.DateTimeFormat(language, {dateStyle: "short", timeStyle: "short"}).format(report.at);
  const state = report.link ? words.sent.replace("{number}", report.number) : report.broken ? words.broken.replace("{why}", report.broken) : words.waits;
  const told = Object.assign(document.createElement(report.link ? "a" : "span"), report.link ? {href: report.link} : {});
  told.textContent = state;
  item.append(named(`${report.name}, ${when} – `), told, " ");
  if (!report.link) item.append(button(words.send, () => sendKept(true)));
  item.append(" ", button(report.link ? words.hide : words.drop, async () => { await store.drop(report.key); list(); }));
  return item;
}

function button(name, act) {
  const made = Object.assign(document.createElement("button"), {type: "button", className: "plain", textContent: name});
  made.addEventListener("click", act);
  return made;
}

// A whole quarter has its network back at one moment; and the town may have been away, not the network.
addEventListener("online", () => setTimeout(sendKept, 5000 * Math.random()));
setInterval(sendKept, 60_000);

// The page and its files are kept for where there is no network.
async function shelve() {
  const {active} = await navigator.serviceWorker.register(form.dataset.worker).then(() => navigator.serviceWorker.ready);
  const files = [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((each) => each.href || each.src);
  const more = [form.dataset.keeping, form.dataset.proofWorker, form.dataset.streets, document.getElementById("pick").dataset.districts, document.querySelector("use").getAttribute("href").split("#")[0]];
  active.postMessage({report: [new URL(form.action).href, ...files, ...more.filter(Boolean).map((each) => new URL(each, location).href)]});
}

choose();
list();
sendKept();
if (navigator.serviceWorker) shelve().catch(() => null);

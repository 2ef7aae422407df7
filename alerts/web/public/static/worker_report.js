// The form for reports is there without a network: its page alone, as it was last seen, and the files that it needs.
const SHELF = "report-form", FORM = /\/report$/, PATIENCE = 6000;
const NEEDS = /"(\/[^"#\s]*(?:\/static\/|streets\.json|districts\.geojson)[^"#\s]*)["#]/g;

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

// The page tells what it needs, itself among it: an older visit's files go. Another page tells where the form is.
addEventListener("message", (event) => {
  const {report, form} = event.data || {};
  if (Array.isArray(report)) event.waitUntil(shelve(report));
  else if (typeof form === "string" && FORM.test(new URL(form).pathname)) event.waitUntil(foresee(form));
});

// Who was only ever on another page reports without a network, too. What the form needs stands in it.
async function foresee(address) {
  const shelf = await caches.open(SHELF);
  if (await shelf.match(address)) return;
  const answer = await fetch(address, {credentials: "same-origin"});
  if (!answer.ok || answer.redirected) return;
  const files = [...(await answer.clone().text()).matchAll(NEEDS)].map(([, file]) => new URL(file, address).href);
  await shelf.put(address, answer);
  await Promise.allSettled([...new Set(files)].map((file) => shelf.add(file)));
}

async function shelve(addresses) {
  const shelf = await caches.open(SHELF), wanted = new Set(addresses);
  await Promise.allSettled([...wanted].map(async (address) => {
    const answer = await fetch(address, {credentials: "same-origin"});
    if (answer.ok) await shelf.put(address, answer);
  }));
  for (const old of await shelf.keys()) if (!wanted.has(old.url) && !FORM.test(new URL(old.url).pathname)) await shelf.delete(old);
}

addEventListener("fetch", (event) => {
  const {request} = event, {pathname, origin} = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  const isForm = request.mode === "navigate" && FORM.test(pathname), isFile = /\/static\/|\/report\/streets\.json$|\/districts\.geojson$/.test(pathname);
  if (!isForm && !isFile) return;
  event.stopImmediatePropagation(); // it is answered once, whatever other sections there are
  event.respondWith(isForm ? newest(request) : fetch(request).catch(() => shelved(request)));
});

async function newest(request) {
  const asked = fetch(request).then((answer) => (answer.status < 500 ? answer : shelved(request, answer)));
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  const first = await Promise.race([asked.catch(() => null), late]);
  if (first) return first;
  return shelved(request);
}

async function shelved(request, otherwise) {
  const shelf = await caches.open(SHELF), found = await shelf.match(request, {ignoreSearch: true});
  if (found || otherwise || request.mode !== "navigate") return found || otherwise || Response.error();
  // The form in another language, the town's page, or one that names 112: never an empty one.
  const other = (await shelf.keys()).find(({url}) => FORM.test(new URL(url).pathname));
  return (other && await shelf.match(other)) || await caches.match(registration.scope, {ignoreSearch: true}) || self.nothingSeen();
}

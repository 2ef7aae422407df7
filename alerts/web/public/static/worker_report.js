// The form for reports is there without a network: its page alone, as it was last seen, and the files that it needs.
const SHELF = "report-form", FORM = /\/report$/, PATIENCE = 6000;

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

// The page tells what it needs, itself among it: an older visit's files go.
addEventListener("message", (event) => {
  const {report} = event.data || {};
  if (Array.isArray(report)) event.waitUntil(shelve(report));
});

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
  const old = await (await caches.open(SHELF)).match(request, {ignoreSearch: true});
  return old || asked;
}

async function shelved(request, otherwise) {
  const found = await (await caches.open(SHELF)).match(request, {ignoreSearch: true});
  return found || otherwise || Response.error();
}

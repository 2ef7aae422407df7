// Where the desk can't be reached, its app says so, and what can be done meanwhile. KEEPS is that page and its style, put
// before this by the desk; nothing else is ever kept, and forms are none of its business.
const SHELF = "desk";

addEventListener("install", (event) => {
  skipWaiting();
  // What a page still sends while it is closed (a correction that waits to be called back) is lost in Chromium if it has
  // to wake this first: it goes past it.
  event.addRoutes?.({ condition: { requestMethod: "POST" }, source: "network" });
  event.waitUntil(keep());
});

addEventListener("activate", (event) => {
  // Pages are asked for while the worker is woken: it makes nothing slower.
  event.waitUntil(Promise.all([clients.claim(), registration.navigationPreload?.enable()]));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(reached(event).catch(() => caches.match(KEEPS[0])));
  else if (KEEPS.some((each) => request.url.endsWith(each))) {
    event.respondWith(fetch(request).catch(() => caches.match(request)));
  }
});

async function reached(event) {
  return (await event.preloadResponse) ?? fetch(event.request);
}

async function keep() {
  await caches.delete(SHELF);
  const shelf = await caches.open(SHELF);
  await shelf.addAll(KEEPS.map((each) => new Request(each, { cache: "reload" })));
}

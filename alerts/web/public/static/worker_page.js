// Without a network a page is there as it was last seen, and says itself how old it is (public.js); never an empty one.
const SEEN = "seen", MOST = 40, WAITS = 6000, FORM = /\/report$/, OURS = /\/(desk|api|push|mail|open311)(\/|$)/;
const LOOK = /\/(accent\.css|logo\.(svg|png))$/;
// Pages whose address one person alone was given: who has the telephone next is to find nothing of them.
const PRIVATE = /\/report\/.|\/notice(\/|$)/;

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const {request} = event, {pathname} = new URL(request.url);
  if (request.method !== "GET" || !isPublic(request.url)) return;
  if (request.mode === "navigate" && !FORM.test(pathname)) event.respondWith(newest(event));
  else if (pathname.includes("/static/")) event.respondWith(known(event));
  else if (LOOK.test(pathname)) event.respondWith(latest(event));
});

// Whoever comes for the first time sees a page before there is a worker: it tells what it is made of, itself among it.
addEventListener("message", (event) => {
  const {seen} = event.data || {};
  if (Array.isArray(seen)) event.waitUntil(Promise.allSettled(seen.slice(0, MOST).map(first)));
});

async function first(address) {
  if (!isPublic(address) || await caches.match(address)) return;
  const answer = await fetch(address);
  if (answer.ok && !answer.redirected) await keep(address, answer);
}

function isPublic(address) {
  const {pathname, origin} = new URL(address);
  return origin === location.origin && !OURS.test(pathname) && !PRIVATE.test(pathname);
}

async function newest(event) {
  const asked = fetch(event.request).then((answer) => {
    if (answer.ok && !answer.redirected) event.waitUntil(keep(event.request, answer.clone()));
    return answer;
  });
  const late = new Promise((resolve) => setTimeout(resolve, WAITS));
  const first = await Promise.race([asked.catch(() => null), late]);
  if (first && first.status < 500) return first;
  const seen = await caches.open(SEEN);
  const old = await seen.match(event.request, {ignoreSearch: true}) ?? await seen.match(registration.scope, {ignoreSearch: true});
  return old ?? first ?? asked.catch(() => nothing());
}

// The address of such a file tells what is in it.
async function known(event) {
  const found = await caches.match(event.request);
  if (found) return found;
  const answer = await fetch(event.request);
  if (answer.ok) event.waitUntil(keep(event.request, answer.clone()));
  return answer;
}

// The town's crest and colour have addresses that tell nothing of what is in them.
async function latest(event) {
  try {
    const answer = await fetch(event.request);
    if (answer.ok) event.waitUntil(keep(event.request, answer.clone()));
    return answer;
  } catch (lost) {
    return await caches.match(event.request) ?? Promise.reject(lost);
  }
}

async function keep(request, answer) {
  const seen = await caches.open(SEEN);
  // Replaces what is there only once the answer is whole, and makes it the newest: a network that goes amid it takes nothing.
  await seen.put(request, answer);
  const all = await seen.keys();
  for (const old of all.slice(0, Math.max(all.length - MOST, 0))) await seen.delete(old);
}

self.nothingSeen = nothing;
function nothing() {
  const words = "<!doctype html><html lang=fr><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    + "<title>112</title><h1>Hors connexion</h1><p>Rien n’a encore été vu ici, donc rien n’est su. En cas d’urgence, appelez le 112.</p>"
    + "<h1 lang=en>Offline</h1><p lang=en>Nothing was seen here yet, so nothing is known. In an emergency call 112.</p>";
  return new Response(words, {status: 503, headers: {"Content-Type": "text/html; charset=utf-8"}});
}

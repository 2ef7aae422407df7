// A message is shown as it says, also where the browser shows none by itself; what is told of an incident later takes
// its place. A tap opens the alert's page. SIGNS (worker.py) are the hazards' pictograms, drawn here: nothing is fetched.
const ICON = 192, BADGE = 96, LATEST = 1000;
// The town's own picture takes the place of what can't be drawn, or isn't in time.
const TOWN = new URL("icon.png", registration.scope).href;
let shown = Promise.resolve();

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("push", (event) => {
  let told = null;
  try { told = event.data.json(); } catch { /* it is shown below that there is something */ }
  const {title, body, lang, dir, tag, navigate, data} = told?.notification ?? {};
  // One after the other: an alert that is drawn, or shown by the browser, later than its update would hide it.
  const before = Promise.race([shown, new Promise((resolve) => setTimeout(resolve, 2 * LATEST))]);
  shown = Promise.all([picture(data), before]).then(([[icon, badge]]) => registration.showNotification(title || location.hostname, {
    body: body || "", lang: lang || "", dir: dir || "auto", tag: tag || "", renotify: Boolean(tag), icon, badge,
    data: {navigate: navigate || registration.scope},
  })).catch(() => null);
  event.waitUntil(shown);
});

// The pictures of a notification, icon and badge; never an error, and never late.
function picture(about) {
  const late = new Promise((resolve) => setTimeout(resolve, LATEST, [TOWN, TOWN]));
  return Promise.race([drawn(about).catch(() => [TOWN, TOWN]), late]);
}

async function drawn(about) {
  if (!about?.hazard) return [TOWN, TOWN];
  const {hazard, severity, over} = about, {drawn, grounds} = SIGNS;
  const sign = Object.hasOwn(drawn, hazard) ? drawn[hazard] : drawn.general;
  const ground = over ? SIGNS.over : grounds[severity] ?? grounds.Unknown;
  // Of a badge telephones show the shape alone.
  return Promise.all([png(ICON, (pen) => { lay(pen, ground, over); draw(pen, sign, over ? ground : "#fff", .75); }),
    png(BADGE, (pen) => draw(pen, sign, "#fff", 1))]);
}

// White on the colour of what holds; what is over is hollow, so that it is told apart without any colour, too.
function lay(pen, ground, over) {
  const [from, to] = over ? [1, SIGNS.side - 1] : [0, SIGNS.side], round = 5;
  const edge = new Path2D(`M${from + round} ${from}H${to - round}A5 5 0 0 1 ${to} ${from + round}V${to - round}`
    + `A5 5 0 0 1 ${to - round} ${to}H${from + round}A5 5 0 0 1 ${from} ${to - round}V${from + round}A5 5 0 0 1 ${from + round} ${from}z`);
  Object.assign(pen, {fillStyle: over ? "#fff" : ground, strokeStyle: ground, lineWidth: SIGNS.stroke});
  pen.fill(edge);
  if (over) pen.stroke(edge);
}

function draw(pen, [strokes, filled], ink, scale) {
  const margin = SIGNS.side * (1 - scale) / 2;
  pen.translate(margin, margin);
  pen.scale(scale, scale);
  Object.assign(pen, {fillStyle: ink, strokeStyle: ink, lineWidth: SIGNS.stroke, lineCap: "round", lineJoin: "round"});
  pen.stroke(new Path2D(strokes));
  pen.fill(new Path2D(filled));
}

async function png(side, paint) {
  const canvas = new OffscreenCanvas(side, side), pen = canvas.getContext("2d");
  pen.scale(side / SIGNS.side, side / SIGNS.side);
  paint(pen);
  const file = await canvas.convertToBlob({type: "image/png"});
  const bytes = new Uint8Array(await file.arrayBuffer());
  return `data:image/png;base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const to = new URL(event.notification.data?.navigate || registration.scope, registration.scope).href;
  event.waitUntil((async () => {
    const open = await clients.matchAll({type: "window", includeUncontrolled: true});
    const there = open.find((client) => client.url === to);
    return there ? there.focus() : clients.openWindow(to);
  })());
});

// A browser may change its endpoint: who is subscribed stays so, and is told the end of what they were told.
addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil((async () => {
    const shelf = await caches.open("push"), kept = await (await shelf.match("state"))?.json();
    const options = event.oldSubscription?.options ?? (await registration.pushManager.getSubscription())?.options;
    if (!kept) return unlinked();
    if (!options) return;
    const subscription = event.newSubscription ?? await registration.pushManager.subscribe(options);
    const address = new URL("push/subscriptions", registration.scope), headers = {"Content-Type": "application/json"};
    const body = JSON.stringify({...subscription.toJSON(), choices: kept.choices});
    let answer = await fetch(`${address}/${kept.token}`, {method: "PUT", headers, body});
    if (answer.status === 404) answer = await fetch(address, {method: "POST", headers, body});
    if (!answer.ok) return;
    const state = {...kept, ...await answer.json(), endpoint: subscription.endpoint};
    await shelf.put("state", new Response(JSON.stringify(state)));
  })());
});

// An officer's device has nothing by which the town would know it again: they link it anew, and are told so.
function unlinked() {
  const [title, body] = /^fr/.test(navigator.language)
    ? ["Poste de permanence", "Ce qui attend une validation n’est plus affiché sur cet appareil\u00a0: reliez-le de nouveau, sur la page de votre compte."]
    : ["The duty desk", "What waits for a validation isn’t shown on this device any more: link it again, on your account’s page."];
  const data = {navigate: new URL("desk/account", registration.scope).href};
  return registration.showNotification(title, {body, lang: /^fr/.test(navigator.language) ? "fr" : "en", tag: "desk", data}).catch(() => null);
}

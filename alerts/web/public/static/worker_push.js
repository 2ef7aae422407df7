// A message is shown as it says, also where the browser shows none by itself; what is told of an incident later takes
// its place. A tap opens the alert's page.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("push", (event) => {
  let told = null;
  try { told = event.data.json(); } catch { /* it is shown below that there is something */ }
  const {title, body, lang, dir, tag, navigate} = told?.notification ?? {};
  const icon = new URL("icon.png", registration.scope).href;
  event.waitUntil(registration.showNotification(title || location.hostname, {
    body: body || "", lang: lang || "", dir: dir || "auto", tag: tag || "", renotify: Boolean(tag), icon, badge: icon,
    data: {navigate: navigate || registration.scope},
  }));
});

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

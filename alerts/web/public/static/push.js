// Alerts on this telephone or computer: subscribing, changing the choices, leaving. Nothing runs before somebody taps.
const block = document.querySelector("[data-push]"), form = block?.querySelector("form");
const says = block?.querySelector("[role=status]"), {key, subscriptions, worker} = block?.dataset ?? {};
const isApple = /iPhone|iPad/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
const isApp = matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;
const can = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
// Where the worker looks for it, too: beside itself, in whichever language the page is.
const state = worker && new URL("state", new URL(worker, location)).href;
let kept = null;

if (block) begin();

async function begin() {
  if (isApple && !isApp) show("apple");
  if (!can) {
    if (!isApple) show("cannot");
    return;
  }
  kept = await read();
  const subscription = kept && await (await registered())?.pushManager.getSubscription();
  if (kept && (Notification.permission !== "granted" || !subscription)) {
    await leave();
    say("lost");
  } else if (kept && kept.endpoint !== subscription.endpoint) {
    // The browser has another endpoint since, and the town couldn't be told then.
    await enroll(subscription, kept.choices).catch(console.warn);
  }
  if (kept) fill(kept.choices);
  lay();
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    during(kept ? change : join);
  });
  form.querySelector("[name=leave]").addEventListener("click", () => during(async () => { await leave(); say("left"); }));
}

async function during(act) {
  form.setAttribute("aria-busy", "true");
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  try { await act(); } catch (error) { console.warn(error); say("failed"); }
  for (const button of form.querySelectorAll("button")) button.disabled = false;
  form.removeAttribute("aria-busy");
  lay();
}

async function join() {
  const permission = await Notification.requestPermission();
  if (permission !== "granted") return say("denied");
  await navigator.serviceWorker.register(worker);
  const registration = await navigator.serviceWorker.ready;
  const told = await fetch(key, {cache: "no-store"});
  if (!told.ok) return say("failed");
  const options = {userVisibleOnly: true, applicationServerKey: bytes((await told.json()).key)};
  const subscription = await registration.pushManager.subscribe(options);
  const answer = await enroll(subscription, chosen());
  if (!answer.ok) {
    await subscription.unsubscribe();
    return say("failed", (await answer.json().catch(() => ({}))).error);
  }
  say("joined");
}

async function enroll(subscription, choices) {
  const told = {...subscription.toJSON(), choices};
  let answer = kept && await send("PUT", `${subscriptions}/${kept.token}`, told);
  if (!answer || answer.status === 404) answer = await send("POST", subscriptions, told);
  if (answer.ok) await write(kept = {...kept, ...await answer.json(), endpoint: subscription.endpoint, choices});
  return answer;
}

async function change() {
  kept = await read() ?? kept;
  const answer = await send("PUT", `${subscriptions}/${kept.token}`, {choices: chosen()});
  if (answer.status === 404) return join();
  if (!answer.ok) return say("failed", (await answer.json().catch(() => ({}))).error);
  kept = {...kept, choices: chosen()};
  await write(kept);
  say("changed");
}

async function leave() {
  // The service worker has another token where the browser changed its endpoint while this page was open.
  kept = await read() ?? kept;
  if (kept) await send("DELETE", `${subscriptions}/${kept.token}`);
  await (await (await registered())?.pushManager.getSubscription())?.unsubscribe();
  kept = null;
  await (await caches.open("push")).delete(state);
}

function registered() {
  return navigator.serviceWorker.getRegistration(new URL(worker, location));
}

function send(method, address, body) {
  const headers = {"Content-Type": "application/json", "Accept-Language": document.documentElement.lang};
  return fetch(address, {method, headers, body: body && JSON.stringify(body)});
}

function chosen() {
  const data = new FormData(form), quiet = data.get("quiet");
  return {
    districts: data.getAll("district"),
    topics: data.getAll("topic"),
    severity: data.get("severity"),
    quiet: quiet ? quiet.split("-") : null,
    language: document.documentElement.lang,
  };
}

function fill(choices) {
  for (const box of form.querySelectorAll("[type=checkbox]"))
    box.checked = (box.name === "district" ? choices.districts : choices.topics).includes(box.value);
  form.querySelector("[name=severity]").value = choices.severity;
  form.querySelector("[name=quiet]").value = choices.quiet ? choices.quiet.join("-") : "";
}

function lay() {
  form.querySelector("[name=join]").hidden = Boolean(kept);
  for (const name of ["change", "leave"]) form.querySelector(`[name=${name}]`).hidden = !kept;
}

function say(what, more) {
  says.textContent = [says.dataset[what], more].filter(Boolean).join(" ");
}

function show(which) {
  block.querySelector(`[data-for=${which}]`).hidden = false;
}

async function read() {
  return (await (await caches.open("push")).match(state))?.json() ?? null;
}

async function write(told) {
  await (await caches.open("push")).put(state, new Response(JSON.stringify(told)));
}

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (each) => each.charCodeAt(0));
}

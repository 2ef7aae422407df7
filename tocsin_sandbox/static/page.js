// Fetches the timelines each second and puts them in place when they have changed, leaving what a reader opened open.
"use strict";

const EVERY = 1000;
const main = document.getElementById("timelines");
const status = document.getElementById("status");
let seen = null;

function say(text, lost) {
  if (status.textContent !== text) {
    status.textContent = text;
  }
  status.classList.toggle("lost", lost);
}

function opened() {
  return Array.from(main.querySelectorAll("details[open]"), (details) => details.id);
}

// What somebody types, and where, outlives the fetching.
function typed() {
  const inputs = Array.from(main.querySelectorAll("input[id]"), (input) => [input.id, input.value]);
  const here = document.activeElement;
  const place = here && here.id && main.contains(here) ? here.id : "";
  return { inputs, place, selection: here && here.type === "text" ? [here.selectionStart, here.selectionEnd] : null };
}

function restore(kept) {
  for (const [id, value] of kept.inputs) {
    const input = document.getElementById(id);
    if (input) {
      input.value = value;
    }
  }
  const here = kept.place && document.getElementById(kept.place);
  if (here) {
    here.focus({ preventScroll: true });
    if (kept.selection) {
      here.setSelectionRange(...kept.selection);
    }
  }
}

function makeTalkable() {
  for (const form of main.querySelectorAll("form.say")) {
    form.hidden = false;
  }
  for (const spoken of main.querySelectorAll(".spoken")) {
    spoken.scrollTop = spoken.scrollHeight;
  }
}

async function talk(what) {
  const body = JSON.stringify({ ...what, language: document.documentElement.lang });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("/sandbox/telegram/talk", { method: "POST", headers, body });
  const unsent = document.getElementById("unsent");
  unsent.textContent = answer.ok ? "" : `${unsent.dataset.words} ${(await answer.json()).error}`;
  return answer.ok;
}

// The forms beneath a post go without script too; with it, the page stays where it is.
async function act(form, button) {
  const fields = new FormData(form);
  if (button && button.name) {
    fields.append(button.name, button.value);
  }
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  const taken = answer.type === "opaqueredirect";
  const untaken = document.getElementById("untaken");
  untaken.textContent = taken ? "" : `${status.dataset.untaken} ${await answer.text()}`;
  if (taken && form.elements.text) {
    form.elements.text.value = "";
  }
  await refresh();
}

main.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  if (form.classList.contains("act")) {
    await act(form, event.submitter);
    return;
  }
  const chat = Number(form.dataset.chat || form.elements.chat.value);
  const text = form.elements.text.value;
  if (form.dataset.chat) {
    form.elements.text.value = "";
  }
  if (!(await talk({ chat, text }))) {
    form.elements.text.value = text;
  }
});

main.addEventListener("click", (event) => {
  const key = event.target.closest("button[data-press]");
  if (key) {
    talk({ chat: Number(key.dataset.chat), message: Number(key.dataset.message), press: key.dataset.press });
  }
});

function show(html) {
  const open = opened();
  const kept = typed();
  const focused = document.activeElement && document.activeElement.closest("details");
  main.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  for (const id of open) {
    const details = document.getElementById(id);
    if (details) {
      details.open = true;
    }
  }
  const again = focused && document.getElementById(focused.id);
  if (again) {
    again.querySelector("summary").focus({ preventScroll: true });
  }
  makeTalkable(); // what is hidden can't be focused
  restore(kept);
}

function localise() {
  const language = document.documentElement.lang;
  const today = new Date().toDateString();
  for (const time of main.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const style = { dateStyle: at.toDateString() === today ? undefined : "short", timeStyle: "medium" };
    time.textContent = at.toLocaleString(language, style);
    time.title = at.toLocaleString(language);
  }
}

async function refresh() {
  try {
    const answer = await fetch("/sandbox/timelines.html" + location.search, { cache: "no-cache" });
    if (!answer.ok) {
      throw new Error(String(answer.status));
    }
    const tag = answer.headers.get("ETag");
    if (tag !== seen) {
      show(await answer.text());
      localise();
      seen = tag;
    }
    const count = main.querySelectorAll("article").length;
    say(`${count} ${status.dataset.posts}. ${status.dataset.live}`, false);
  } catch {
    say(status.dataset.lost, true);
  }
}

const faults = document.getElementById("faults");
const SLOW = { latency: 5, read_lag: 60 };

async function showFaults() {
  const answer = await fetch("/sandbox/faults", { cache: "no-cache" });
  const on = (await answer.json()).filter((fault) => fault.left !== 0);
  const named = (name, value) => faults.querySelector(`select[name=${name}] option[value="${value}"]`)?.textContent ?? value;
  const said = on.map((fault) => {
    const left = fault.left === null ? "" : ` (${fault.left} ${faults.dataset.left})`;
    return `${named("platform", fault.platform)} – ${named("kind", fault.kind)}${left}`;
  });
  const list = document.getElementById("faults-on");
  const words = said.length ? said : [faults.dataset.none];
  if (Array.from(list.children, (item) => item.textContent).join("\n") !== words.join("\n")) {
    list.replaceChildren(
      ...words.map((word) => {
        const item = document.createElement("li");
        item.textContent = word;
        return item;
      }),
    );
  }
}

faults.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { platform, kind, times } = event.target.elements;
  const asked = { platform: platform.value, kind: kind.value, times: times.value ? Number(times.value) : null };
  const body = JSON.stringify(kind.value in SLOW ? { ...asked, seconds: SLOW[kind.value] } : asked);
  await fetch("/sandbox/faults", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  await showFaults();
});

document.getElementById("faults-clear").addEventListener("click", async () => {
  await fetch("/sandbox/faults", { method: "DELETE" });
  await showFaults();
});

faults.hidden = false;

async function follow() {
  if (!document.hidden) {
    await refresh();
    await showFaults().catch(() => undefined); // that it doesn't answer is said above
  }
  setTimeout(follow, EVERY);
}

localise();
makeTalkable();
follow();

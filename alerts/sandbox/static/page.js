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

function show(html) {
  const open = opened();
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

async function follow() {
  if (!document.hidden) {
    await refresh();
  }
  setTimeout(follow, EVERY);
}

localise();
follow();

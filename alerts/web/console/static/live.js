// What changes by itself: the ids of incidents, as the desk tells them.
//
//   import { watch } from "./live.js";   (a page gives the address: see `static`)
//   const stop = watch((incident) => …);   incident: an id, or "*": look at everything again
//
// While the connection is lost, every [data-live] of the page says so (macro `live`). When it is there, for the first
// time too, the callback is called with "*": something may have been missed since the page was made.
//
// Where somebody has more pages open than the desk keeps connections for, the newest has one. The page that lost its own
// ("full") asks for one again when it comes into sight; while it is in sight, in half a minute.

const EVENTS = new URL("../events", import.meta.url);
const LONGEST_WAIT = 30000;

function say(state) {
  for (const place of document.querySelectorAll("[data-live]")) {
    if (place.dataset.state === state) continue;
    place.dataset.state = state;
    place.textContent = state === "lost" ? place.dataset.lost : state === "over" ? place.dataset.over : "";
  }
}

export function watch(callback) {
  let source = null;
  let wait = 1000;
  let timer = null;
  let over = false;

  function open() {
    source = new EventSource(EVENTS);
    source.addEventListener("open", () => {
      wait = 1000;
      say("on");
      callback("*");
    });
    source.addEventListener("changed", (event) => callback(event.data || "*"));
    source.addEventListener("over", () => {
      over = true;
      stop();
      say("over");
    });
    source.addEventListener("full", () => {
      stop();
      timer = setTimeout(look, LONGEST_WAIT);
    });
    source.addEventListener("error", () => {
      say("lost");
      // The browser tries again by itself, unless the answer was a refusal.
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(timer);
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    });
  }

  function stop() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function look() {
    if (document.visibilityState === "hidden" || over) return;
    if (source === null) {
      clearTimeout(timer);
      open();
    } else if (source.readyState === EventSource.CLOSED) {
      stop();
      open();
    }
  }

  open();
  document.addEventListener("visibilitychange", look);
  addEventListener("online", look);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && look());
  return () => {
    over = true;
    stop();
  };
}

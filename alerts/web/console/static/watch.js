// The parts of a page that change by themselves: what the server shows is fetched again and put in the old one's place.
// What a reader is at stays: the focus, what is open, what is being typed. What changed is said aloud, once.
import { watch } from "./live.js";

const QUIET_FOR = 300; // ms: several changes at once are one fetch
const UNHURRIED = 1_500; // ms: a crowd reports several times a second, and nobody reads as fast
const EVERY = 60_000; // ms: "two minutes ago" grows old by itself
const SOON = 2_000; // ms: what is under way ([data-pending]) may have ended before this page listened

/** What the reader has done to a part of the page, by the ids of what it was done to. */
function doings(part) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const typed = new Map();
  const refused = part.querySelector("#errors"); // its page came with what they had typed
  for (const field of part.querySelectorAll("input[id], textarea[id], select[id]")) {
    const as = field.type === "radio" || field.type === "checkbox" ? "checked" : "value";
    const was = as === "checked" ? field.defaultChecked : field.defaultValue;
    if (field.type !== "hidden" && (refused || field[as] !== was)) typed.set(field.id, [as, field[as]]);
  }
  return {
    focus: focused?.id,
    selection: focused && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null,
    details: new Map([...part.querySelectorAll("details[id]")].map((each) => [each.id, each.open])),
    typed,
  };
}

/** Do the same to what came in its place. */
function redo(part, done) {
  const found = (id) => (id ? part.querySelector(`#${CSS.escape(id)}`) : null);
  for (const [id, open] of done.details) if (found(id)) found(id).open = open;
  for (const [id, [as, value]] of done.typed) if (found(id)) found(id)[as] = value;
  const focus = found(done.focus);
  focus?.focus({ preventScroll: true });
  if (focus && done.selection && done.selection[0] !== null) {
    try {
      focus.setSelectionRange(...done.selection);
    } catch {
      // a field of a kind that has no selection
    }
  }
}

/** Whether the reader is in the middle of something that a swap would break: composing a letter, an open list, a press.
 * A button that isn't there any more when the finger is lifted was never pressed. */
function isBusy(part) {
  const at = document.activeElement;
  return composing || pressing || (part.contains(at) && at.tagName === "SELECT");
}

let composing = false;
addEventListener("compositionstart", () => (composing = true));
addEventListener("compositionend", () => (composing = false));
let pressing = false;
addEventListener("pointerdown", () => (pressing = true));
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (pressing = false));

function summaryOf(part) {
  return part.querySelector("[data-summary]")?.dataset.summary.trim() ?? "";
}

function say(text) {
  const place = document.querySelector("#announced");
  if (place && text) place.textContent = text;
}

/** Fetch a part again and swap it in, if it isn't the same. */
async function refresh(part) {
  const answer = await fetch(part.dataset.fragment, { headers: { Accept: "text/html" }, redirect: "manual" });
  if (!answer.ok) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  if (fresh.innerHTML === part.innerHTML) return;
  if (isBusy(part)) {
    later(part, 1000);
    return;
  }
  const error = part.querySelector("#errors"); // what went wrong with what they did stays in sight
  const before = summaryOf(part);
  const done = doings(part);
  part.replaceChildren(fresh.content);
  if (error) part.firstElementChild?.prepend(error);
  redo(part, done);
  const now = summaryOf(part);
  if (now !== before) say(now);
}

const waiting = new Map();
const busy = new Map();

function later(part, delay = QUIET_FOR) {
  if (waiting.has(part)) return;
  waiting.set(
    part,
    setTimeout(async () => {
      waiting.delete(part);
      if (busy.has(part)) {
        later(part, delay);
        return;
      }
      busy.set(part, true);
      try {
        await refresh(part);
      } catch {
        later(part, 5000); // the connection is gone; live.js says so
      } finally {
        busy.delete(part);
      }
    }, delay),
  );
}

const parts = [...document.querySelectorAll("[data-fragment]")];

/** An incident's page looks again when it is that one, every other page at any. An empty id or `*` is everything.
 * That people said something (`heard`) or reported it (`reports`) concerns those that show it: [data-heard],
 * [data-reports]. */
watch((incident) => {
  for (const part of parts) {
    const own = part.dataset.incident;
    const apart = incident === "heard" || incident === "reports";
    const concerned = apart ? part.dataset[incident] !== undefined : !own || incident === own;
    if (!incident || incident === "*" || concerned) later(part, incident === "reports" ? UNHURRIED : QUIET_FOR);
  }
});

setInterval(() => {
  if (document.visibilityState === "visible") for (const part of parts) later(part);
}, EVERY);

setInterval(() => {
  if (document.visibilityState !== "visible") return;
  for (const part of parts) if (part.querySelector("[data-pending]")) later(part);
}, SOON);

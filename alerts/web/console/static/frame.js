// What every page does better with scripts; each works without.

// Where the desk can't be reached, its worker says so (worker.js).
const { worker } = document.body.dataset;
if (worker) navigator.serviceWorker?.register(worker).catch((error) => console.warn(error));

// Errors are read out and scrolled to at once.
document.querySelector("#errors")?.focus();

// The menu closes with Escape, and when something else is pressed.
for (const menu of document.querySelectorAll("details.more")) {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
}

// What takes the order away from everybody can be called back for a few seconds: it is sent at their end. Whoever leaves
// the page sends it at once, for what is wrong must not stand because a window was closed. A page's parts are renewed
// meanwhile, so what is sent is held in a form of its own.
const SECOND_THOUGHTS = 5_000; // ms

document.addEventListener("submit", (event) => {
  const form = event.target;
  // Another button of the form, which only looks, has an address of its own.
  if (event.defaultPrevented || !form.dataset.undo || event.submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  if (!document.querySelector("#undo")) hold(form, event.submitter);
});

function hold(form, submitter) {
  const held = Object.assign(document.createElement("form"), { id: "undo", method: "post", action: form.getAttribute("action"), className: "notice warn" });
  held.dataset.unsent = form.dataset.unsent;
  for (const [name, value] of new FormData(form)) held.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  const told = Object.assign(document.createElement("p"), { textContent: form.dataset.undo });
  told.setAttribute("role", "status");
  const undo = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: form.dataset.undoButton });
  const send = Object.assign(document.createElement("button"), { className: "button danger", textContent: submitter.textContent, hidden: true });
  const left = Object.assign(document.createElement("span"), { className: "left" });
  left.setAttribute("aria-hidden", "true");
  held.append(left, told, undo, send);
  document.body.append(held);
  undo.focus();
  const leave = () => navigator.sendBeacon(held.action, new FormData(held));
  const timer = setTimeout(() => {
    removeEventListener("pagehide", leave);
    undo.remove();
    left.remove();
    send.hidden = false; // for another press, should nobody answer
    held.requestSubmit(send);
  }, SECOND_THOUGHTS);
  addEventListener("pagehide", leave);
  undo.addEventListener("click", () => {
    clearTimeout(timer);
    removeEventListener("pagehide", leave);
    held.remove();
    document.querySelector(`#${CSS.escape(submitter.id)}`)?.focus();
  });
}

// What publishes or decides stays on its page while nobody answers, and says so: the page of a lost connection would send
// it again when it is loaded anew. So the desk is asked first whether it is there.
document.addEventListener("submit", async (event) => {
  const form = event.target, submitter = event.submitter;
  if (event.defaultPrevented || !form.dataset.unsent || form.dataset.reached) return;
  event.preventDefault();
  if (form.dataset.asking) return;
  form.dataset.asking = "yes";
  document.querySelector("#unsent")?.remove();
  const reached = await isReached();
  delete form.dataset.asking;
  if (!reached) {
    const told = Object.assign(document.createElement("p"), { id: "unsent", className: "notice error", textContent: form.dataset.unsent });
    told.setAttribute("role", "alert");
    (submitter?.closest(".bar, form") ?? form).append(told);
    told.scrollIntoView({ block: "nearest" });
    return;
  }
  form.dataset.reached = "yes";
  if (submitter) form.requestSubmit(submitter);
  else form.requestSubmit();
  delete form.dataset.reached;
});

async function isReached() {
  try {
    const answer = await fetch(import.meta.url, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(8000) });
    return answer.ok;
  } catch {
    return false;
  }
}

// A form is sent once: a second press of its button while the first is under way does nothing. Listening on the
// document, so after the form's own scripts, which may have held it back. What comes as a file leaves the page standing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  else if (event.submitter?.value !== "download") form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Whoever comes to this machine next finds nothing of what was typed here.
const TYPED = "tocsin:draft:";
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !event.target.action.endsWith("/sign-out")) return;
  for (const key of Object.keys(localStorage)) if (key.startsWith(TYPED)) localStorage.removeItem(key);
});

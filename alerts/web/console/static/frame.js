// What every page does better with scripts; each works without.

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

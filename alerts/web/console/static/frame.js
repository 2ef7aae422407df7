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

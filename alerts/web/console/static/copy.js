// Copies a text with one tap. The button is there only where that works: without it the text can be selected.
function offer() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("button[data-copy][hidden]")) button.hidden = false;
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-copy]");
  if (!button) return;
  const { copy, done } = button.dataset;
  await navigator.clipboard.writeText(document.getElementById(copy).value);
  // Meanwhile another button may have come in its place.
  for (const now of document.querySelectorAll("button[data-copy]")) if (now.dataset.copy === copy) now.textContent = done;
});

offer();
// A part of a page may be put anew at any moment (watch.js).
new MutationObserver(offer).observe(document.body, { childList: true, subtree: true });

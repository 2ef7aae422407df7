// The private page: its address is copied by a button. Without this script it is there to be marked.
const link = document.getElementById("link"), copy = document.getElementById("copy");
link.value = new URL(link.value, location).href;
if (navigator.clipboard) {
  copy.classList.add("ready");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(link.value);
    copy.textContent = copy.dataset.done;
  });
}
link.addEventListener("focus", () => link.select());
// Its address says no more that it was just sent: who comes back reads how far it is.
if (location.search) history.replaceState(null, "", location.pathname);

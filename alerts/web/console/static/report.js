// The button that prints: without scripts the browser's own menu does.
const button = document.querySelector(".report-print");
button.hidden = false;
button.addEventListener("click", () => window.print());

// Choosing towns among many: a field that narrows the list, and "all" which needs no tick of each. Without it, all stand there.
const narrow = document.querySelector("#narrow");
const field = document.querySelector("#f-narrow");
const choices = [...document.querySelectorAll("#picking .choice")];

function show() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const each of choices) {
    // What is ticked stays in sight: nobody sends to a town that they don't see.
    const ticked = each.querySelector("input").checked;
    each.hidden = !ticked && !words.every((word) => each.dataset.name.includes(word));
  }
}

narrow.hidden = false;
field.addEventListener("input", show);
field.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());

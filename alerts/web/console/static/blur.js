// Boxes drawn on the photo with mouse, pen or finger: each fills the next free row of numbers, where it can be changed.
const frame = document.querySelector("#photo");
const form = document.querySelector("#blur");
const SIDES = ["left", "top", "right", "bottom"];
const SMALLEST = 1; // percent: less is a slip of the finger

function rows() {
  return [...form.querySelectorAll("[data-box]")].map((row) => SIDES.map((side) => row.querySelector(`[data-side="${side}"]`)));
}

function draw() {
  for (const each of frame.querySelectorAll(".box:not(.drawn)")) each.remove();
  for (const row of rows()) {
    const [left, top, right, bottom] = row.map((field) => Number.parseFloat(field.value.replace(",", ".")));
    if (!(left < right && top < bottom)) continue;
    lay(document.createElement("span"), left, top, right, bottom);
  }
}

function lay(box, left, top, right, bottom) {
  box.className = box.classList.contains("drawn") ? "box drawn" : "box";
  Object.assign(box.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
  frame.append(box);
}

function spot(event) {
  const { left, top, width, height } = frame.querySelector("img").getBoundingClientRect();
  const share = (value, whole) => Math.min(Math.max((100 * value) / whole, 0), 100);
  return [share(event.clientX - left, width), share(event.clientY - top, height)];
}

if (frame && form) {
  frame.classList.add("ready");
  let begun = null;
  const box = Object.assign(document.createElement("span"), { className: "box drawn" });
  const sides = (event) => {
    const [x, y] = spot(event);
    return [Math.min(begun[0], x), Math.min(begun[1], y), Math.max(begun[0], x), Math.max(begun[1], y)];
  };
  frame.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    begun = spot(event);
  });
  frame.addEventListener("pointermove", (event) => begun && lay(box, ...sides(event)));
  frame.addEventListener("pointercancel", () => {
    begun = null;
    box.remove();
  });
  frame.addEventListener("pointerup", (event) => {
    if (!begun) return;
    const found = sides(event);
    begun = null;
    box.remove();
    if (found[2] - found[0] < SMALLEST || found[3] - found[1] < SMALLEST) return;
    const free = rows().find((row) => row.every((field) => !field.value));
    const said = document.querySelector("#photo-said");
    if (!free) said.textContent = frame.dataset.full;
    else {
      free.forEach((field, place) => (field.value = found[place].toFixed(1)));
      said.textContent = frame.dataset.drawn;
      draw();
    }
  });
  form.addEventListener("input", draw);
  form.querySelector("#clear")?.addEventListener("click", () => {
    for (const row of rows()) for (const field of row) field.value = "";
    draw();
  });
  form.querySelector("#clear").hidden = false;
  draw();
}

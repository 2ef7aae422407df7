// The veto's time, counted down by the server's clock; without this script the page says the hour.
const left = (seconds) => {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return minutes >= 60 ? `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}` : `${minutes}:${String(rest).padStart(2, "0")}`;
};

const timers = [...document.querySelectorAll("[data-goes-out]")].map((shown) => ({
  shown,
  until: Date.parse(shown.dataset.goesOut) - Date.parse(shown.dataset.now) + performance.now(),
}));

const tick = () => {
  for (const { shown, until } of timers) {
    const seconds = Math.ceil((until - performance.now()) / 1000);
    shown.textContent = seconds > 0 ? shown.dataset.left.replace("%(left)s", left(seconds)) : shown.dataset.over;
  }
};

if (timers.length) {
  tick();
  setInterval(tick, 1000);
}

document.querySelector("#conflict, #errors")?.focus();

// This browser is told what waits: it subscribes to the town's push, and the form says where it is reached.
const form = document.querySelector("form[data-device]"), says = form?.parentElement.querySelector("[role=status]");

form?.addEventListener("submit", async (event) => {
  if (form.elements.endpoint.value) return;
  event.preventDefault();
  try {
    if (await Notification.requestPermission() !== "granted") throw new Error("no permission");
    const {key, worker} = form.dataset;
    const registration = await active(await navigator.serviceWorker.register(worker));
    const {key: ours} = await (await fetch(key, {cache: "no-store"})).json();
    const options = {userVisibleOnly: true, applicationServerKey: bytes(ours)};
    const {endpoint, keys} = (await registration.pushManager.subscribe(options)).toJSON();
    form.elements.endpoint.value = endpoint;
    form.elements.p256dh.value = keys.p256dh;
    form.elements.auth.value = keys.auth;
    form.submit();
  } catch (error) {
    console.warn(error);
    says.textContent = says.dataset.denied;
  }
});

async function active(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (!registration.active && worker)
    await new Promise((done) => worker.addEventListener("statechange", () => worker.state === "activated" && done()));
  return registration;
}

function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
}

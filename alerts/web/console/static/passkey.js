// Passkeys: asks the browser what the server wants asked, and posts the answer as an ordinary form.
// A form says data-passkey="get" or "create", and data-options: where what to ask is fetched from. With data-in-field it
// is also offered in the field that has autocomplete="webauthn", before anything is pressed.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function readable(options) {
  const known = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
  const asked = { ...options, challenge: bytes(options.challenge) };
  if (options.user) asked.user = { ...options.user, id: bytes(options.user.id) };
  if (options.allowCredentials) asked.allowCredentials = known(options.allowCredentials);
  if (options.excludeCredentials) asked.excludeCredentials = known(options.excludeCredentials);
  return asked;
}

function sendable(credential) {
  const { response } = credential;
  const said = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[part]) said[part] = text(response[part]);
  }
  if (response.getTransports) said.transports = response.getTransports();
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: said,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function ask(form, how = {}) {
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    headers: { "X-CSRF-Token": form.elements.csrf?.value ?? "", Accept: "application/json" },
    signal: how.signal,
  });
  if (!answer.ok) throw new Error(`options: ${answer.status}`);
  const publicKey = readable(await answer.json());
  const credential = await navigator.credentials[form.dataset.passkey]({ ...how, publicKey });
  form.elements.answer.value = JSON.stringify(sendable(credential));
}

// The browser answers one question at a time: what waits in a field gives way to a button that is pressed.
let waiting = null;

function offer(form) {
  const failed = form.querySelector("[data-failed]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.hidden = true;
    waiting?.abort("given way");
    try {
      await ask(form);
      form.submit();
    } catch (error) {
      console.warn(error);
      failed.textContent = failed.dataset.failed;
      failed.hidden = false;
      if ("inField" in form.dataset) await offerInField(form);
    }
  });
}

// Offered in the field for the name, beside what the browser filled in before. The question is good for ten minutes
// (LASTS in access/factors.py): a page that stands open asks anew in half of that, while it is looked at.
const RENEWED = 5 * 60_000; // ms

async function offerInField(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  while (await inSight()) {
    const mine = (waiting = new AbortController());
    const timer = setTimeout(() => mine.abort("too old"), RENEWED);
    try {
      await ask(form, { mediation: "conditional", signal: mine.signal });
      form.submit();
      return;
    } catch (error) {
      // Nobody asked for it, so nobody is told: the button and the password are there.
      if (mine.signal.reason !== "too old") return;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function inSight() {
  if (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
  return true;
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    offer(form);
    if ("inField" in form.dataset) offerInField(form);
  }
}

// A proof of work for each form that asks for one (`data-proof`: where challenges come from; `data-proof-worker`: the
// script that solves them). It begins when somebody first touches the form and ends in its field `altcha`, unseen.
// Without this script, https or a network the field stays empty, and the town looks at what was sent before it counts.
const HOLDS = 25 * 60_000; // milliseconds; a challenge holds a little longer
const PAUSE = 10_000; // after one that could not be had

for (const form of document.querySelectorAll("form[data-proof]")) prove(form);

function prove(form) {
  const field = form.elements.namedItem("altcha");
  let proof = null, since = 0, busy = null;

  // The proof that there is, or that is being made; a new one where there is none, or it soon holds no more.
  function want() {
    const holds = busy ? Infinity : field.value ? HOLDS : PAUSE;
    return proof && Date.now() - since < holds ? proof : renew();
  }

  function renew() {
    forget();
    const mine = (busy = new AbortController());
    since = Date.now();
    return (proof = make(mine.signal).then((made) => {
      if (busy !== mine) return "";
      busy = null;
      return (field.value = made);
    }));
  }

  function forget() {
    busy?.abort();
    [proof, busy, field.value] = [null, null, ""];
  }

  async function make(signal) {
    try {
      const answer = await fetch(form.dataset.proof, {cache: "no-store", signal});
      if (!answer.ok) return "";
      const challenge = await answer.json(), solution = await solve(challenge, signal);
      return solution ? btoa(JSON.stringify({challenge, solution})) : "";
    } catch {
      return "";
    }
  }

  function solve(challenge, signal) {
    return new Promise((resolve) => {
      const worker = new Worker(form.dataset.proofWorker);
      const end = (solution) => {
        worker.terminate();
        resolve(solution);
      };
      signal.addEventListener("abort", () => end(null));
      worker.onmessage = ({data}) => end(data);
      worker.onerror = () => end(null);
      worker.postMessage(challenge);
    });
  }

  field.value = ""; // a browser that loads the page again may have kept what was spent
  if (!window.isSecureContext) return;
  Object.defineProperty(form, "proof", {get: want});
  for (const touch of ["focusin", "pointerdown", "input", "change"]) form.addEventListener(touch, want, {passive: true});
  form.addEventListener("proof-wanted", renew);
  addEventListener("pageshow", ({persisted}) => persisted && forget()); // who goes back finds the page as it was sent
}

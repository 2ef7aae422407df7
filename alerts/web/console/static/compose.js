// The compose page, as it is typed at: what was typed is kept at once on this device and soon on the server, and each
// channel's post stands beside the form, also as others change what it updates. Without this script the buttons do the same.

import { watch } from "./live.js";

const PREFIX = "tocsin:draft:";
const LISTS = ["area", "channel"];
const BLANK = "blank:";
const own = document.querySelector("#compose-script").dataset;
const form = document.querySelector("#compose");
const keyOf = (draft) => `${PREFIX}${own.account}:${draft}`;

function remembered(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null; // no storage, or not ours
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage: the server still keeps it.
  }
}

function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // Nothing was there.
  }
}

function keptHere() {
  try {
    const start = `${PREFIX}${own.account}:`;
    return Object.keys(localStorage).filter((key) => key.startsWith(start));
  } catch {
    return [];
  }
}

async function ask(address, options) {
  return fetch(address, { credentials: "same-origin", redirect: "manual", headers: { Accept: "application/json" }, ...options });
}

// What was typed on this device and never reached the server is offered; what was published is forgotten.
async function offerTheRest(current) {
  const list = document.querySelector("#unsaved");
  const found = [];
  for (const key of keptHere()) {
    const draft = key.slice(key.lastIndexOf(":") + 1);
    const mine = remembered(key);
    if (draft === current) continue;
    let state = null;
    try {
      const answer = await ask(`${own.at}/draft?draft=${encodeURIComponent(draft)}`);
      if (answer.ok) state = await answer.json();
    } catch {
      // Nobody answers: it is offered.
    }
    if (!mine || state?.alert || (state && state.revision >= mine.revision)) forget(key);
    else found.push([draft, mine]);
  }
  if (!found.length) return;
  const words = document.createElement("p");
  words.textContent = list.dataset.words;
  const items = document.createElement("ul");
  for (const [draft, mine] of found) {
    const link = document.createElement("a");
    const exercise = mine.fields.exercise ? "&exercise=1" : "";
    const update = mine.about ? `&update=${encodeURIComponent(mine.about)}` : "";
    const hazard = mine.fields.hazard ? `&hazard=${encodeURIComponent(mine.fields.hazard)}` : "&hazard=general";
    link.href = `${own.at}?draft=${encodeURIComponent(draft)}${exercise}${update}${update ? "" : hazard}`;
    link.textContent = `${mine.fields.headline || list.dataset.nameless} – ${list.dataset.go}`;
    const item = document.createElement("li");
    item.append(link);
    items.append(item);
  }
  list.replaceChildren(words, items);
  list.hidden = false;
}

class Composer {
  constructor() {
    this.draft = form.elements.draft.value;
    this.key = keyOf(this.draft);
    this.stored = Number(form.dataset.revision);
    this.revision = this.stored;
    this.status = document.querySelector("#status");
    this.saving = false;
    this.wait = 0;
    this.look = 0;
    this.looks = 0;
    this.patience = 500;
    this.blocked = false;
    this.blanks = {};
    document.documentElement.querySelector("body").classList.add("scripted");
  }

  // What was typed for a blank stays known while a text without it stands there.
  fields() {
    const said = { ...this.blanks };
    for (const [name, value] of new FormData(form)) {
      if (typeof value !== "string" || ["csrf", "draft", "revision", "about", "do", "again"].includes(name)) continue;
      if (LISTS.includes(name)) (said[name] ??= []).push(value);
      else said[name] = value;
    }
    for (const name of Object.keys(said)) if (name.startsWith(BLANK)) this.blanks[name] = said[name];
    return said;
  }

  fill(fields) {
    this.blanks = Object.fromEntries(Object.entries(fields).filter(([name]) => name.startsWith(BLANK)));
    for (const element of form.elements) {
      const name = element.name;
      if (!name || ["csrf", "draft", "revision", "about", "do", "again", "file"].includes(name)) continue;
      const value = fields[name];
      if (element.type === "checkbox") element.checked = (value ?? []).includes(element.value);
      else if (element.type === "radio") element.checked = value === element.value;
      else element.value = value ?? "";
    }
    showPicture(form.elements.picture.value);
    form.dispatchEvent(new Event("filled"));
  }

  // What this device has and the server hasn't stands here again: the newer one wins.
  restore() {
    const mine = remembered(this.key);
    if (!mine) return;
    if (mine.revision > this.stored) {
      this.revision = mine.revision;
      this.fill(mine.fields);
      document.querySelector("#restored").hidden = false;
      this.later();
      this.preview();
    } else {
      forget(this.key);
    }
  }

  changed() {
    this.revision += 1;
    form.elements.revision.value = this.revision;
    remember(this.key, { revision: this.revision, fields: this.fields(), about: form.elements.about.value });
    this.address();
    this.tell("unsaved", form.dataset.unsaved);
    this.later();
    this.preview();
  }

  // From the first word on, a reload finds this draft.
  address() {
    const here = new URL(location.href);
    if (here.searchParams.get("draft") === this.draft) return;
    here.searchParams.set("draft", this.draft);
    history.replaceState(null, "", here);
  }

  // Soon after the last key, and every two seconds of a long sentence.
  later(after = 350) {
    if (this.blocked || (this.wait && after && Date.now() - this.since > 1500)) return;
    if (!this.wait) this.since = Date.now();
    clearTimeout(this.wait);
    this.wait = setTimeout(() => {
      this.wait = 0;
      this.save();
    }, after);
  }

  async save() {
    if (this.saving) return this.later();
    if (this.blocked) return undefined;
    this.saving = true;
    const revision = this.revision;
    let again = 0;
    try {
      const answer = await this.send("draft", { draft: this.draft, revision, about: form.elements.about.value, fields: this.fields() });
      again = await this.heard(answer, revision);
    } catch {
      this.tell("lost", form.dataset.lost);
      again = this.patience = Math.min(this.patience * 2, 5000);
    }
    this.saving = false;
    if (again) this.later(again);
    else if (this.revision > revision) this.later();
    return undefined;
  }

  async heard(answer, revision) {
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
      this.tell("out", form.dataset.out);
      return 5000;
    }
    if (answer.status === 409) return this.older((await answer.json()));
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
      this.tell("refused", await reasonOf(answer)); // sending the same again would change nothing
      return 0;
    }
    if (!answer.ok) {
      this.tell("lost", form.dataset.lost);
      return 5000;
    }
    const kept = await answer.json();
    this.patience = 500;
    this.stored = kept.revision;
    if (kept.alert) return this.published(kept.address);
    if (this.revision === revision) {
      forget(this.key);
      this.tell("saved", `${form.dataset.saved} ${kept.at ?? ""}`); // the station's time, as the server words it
    }
    return 0;
  }

  // Another page kept a newer one: nobody's words are written over.
  older(theirs) {
    this.blocked = true;
    const box = document.querySelector("#elsewhere");
    box.hidden = false;
    box.querySelector("#take-theirs").onclick = () => {
      this.goOn(theirs.revision);
      this.fill(theirs.fields);
      forget(this.key);
      this.preview();
    };
    box.querySelector("#keep-mine").onclick = () => {
      this.goOn(theirs.revision);
      this.changed();
    };
    return 0;
  }

  goOn(revision) {
    document.querySelector("#elsewhere").hidden = true;
    this.blocked = false;
    this.stored = this.revision = revision;
    form.elements.revision.value = revision;
  }

  published(address) {
    this.blocked = true;
    forget(this.key);
    const link = document.createElement("a");
    link.href = address;
    link.textContent = form.dataset.see;
    this.status.replaceChildren(form.dataset.sent, " ", link);
    return 0;
  }

  preview() {
    clearTimeout(this.look);
    this.look = setTimeout(() => this.lookNow(), 250);
  }

  async lookNow() {
    const mine = ++this.looks;
    this.looking?.abort();
    this.looking = new AbortController();
    try {
      const said = { draft: this.draft, about: form.elements.about.value, fields: this.fields(), blanks: namesOfBlanks() };
      const answer = await this.send("preview", said, this.looking.signal);
      if (!answer.ok || mine !== this.looks) return;
      const seen = await answer.json();
      this.show(seen);
      this.fit(seen.fields, said.fields);
    } catch {
      // The words stay as they are; the status says that the connection is lost.
    }
  }

  show(seen) {
    const beside = document.querySelector("#beside");
    const place = beside.scrollTop;
    beside.innerHTML = seen.html; // made by our server, with every word escaped
    beside.scrollTop = place;
    const withdraws = document.querySelector("#withdraws");
    if (withdraws.innerHTML !== seen.withdraws) withdraws.innerHTML = seen.withdraws;
    document.querySelector("#publish").textContent = seen.button;
    document.querySelector("#does").textContent = seen.does;
    document.querySelector("#publish-hint").hidden = !seen.grave;
    document.querySelector("#until").textContent = seen.until;
    this.renewBlanks(seen.blanks ?? {});
    for (const field of form.querySelectorAll("[aria-invalid]")) {
      const isLeft = field.name.startsWith(BLANK) && !field.value;
      if (!(field.name in seen.problems) && !isLeft) {
        field.removeAttribute("aria-invalid");
        document.getElementById(`${field.id}-error`)?.remove();
      }
    }
  }

  // Another text has other blanks. Where nothing changed, whoever types in one stays there.
  renewBlanks(html) {
    const typing = document.activeElement?.name, typed = this.fields();
    for (const box of form.querySelectorAll("[data-within]")) if (box.dataset.within in html) box.innerHTML = html[box.dataset.within];
    if (!Object.keys(html).length) return;
    for (const input of blankInputs()) input.value = typed[input.name] ?? input.value;
    if (typing?.startsWith(BLANK)) form.elements[typing]?.focus();
  }

  // A place that was offered comes with the route that led there, where none was typed.
  take(offer) {
    for (const [name, words] of Object.entries(JSON.parse(offer.dataset.fill))) {
      const input = form.elements[BLANK + name];
      if (input && (name === offer.dataset.of || !input.value.trim())) input.value = words;
    }
    this.changed();
  }

  // The words that are prepared for the severity or the beginning just set; not where somebody went on typing meanwhile.
  fit(fitting, sent) {
    for (const [name, value] of Object.entries(fitting)) {
      const field = form.elements[name];
      if (field && field.value.trim() === (sent[name] ?? "").trim()) {
        field.value = value;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
  }

  send(what, said, signal) {
    const body = JSON.stringify(said);
    return ask(`${own.at}/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": form.elements.csrf.value },
      body,
      keepalive: what === "draft" && body.length < 20000, // a leaving page may still send a little
      signal: signal ? either(signal, AbortSignal.timeout(10000)) : AbortSignal.timeout(10000),
    });
  }

  tell(state, words) {
    if (this.status.textContent === words) return;
    this.status.dataset.state = state;
    this.status.textContent = words;
  }
}

function blankInputs() {
  return [...form.elements].filter((each) => each.name.startsWith(BLANK));
}

function namesOfBlanks() {
  return blankInputs().map((each) => each.name.slice(BLANK.length));
}

// A preview that nobody waits for any more ends, and so does one that takes too long.
function either(one, other) {
  const both = new AbortController();
  for (const signal of [one, other]) signal.addEventListener("abort", () => both.abort(signal.reason));
  return both.signal;
}

async function reasonOf(answer) {
  try {
    return (await answer.json()).error || form.dataset.refused;
  } catch {
    return form.dataset.refused;
  }
}

function showPicture(name) {
  const thumb = document.querySelector("#thumb");
  document.querySelector("#shown-picture").hidden = !name;
  if (name) thumb.src = `${own.at}/pictures/${name}`;
  else thumb.removeAttribute("src");
}

// A picture is kept as soon as it is chosen, so that it survives with the draft.
async function upload(composer, input) {
  const problem = document.querySelector("#upload-error");
  problem.hidden = true;
  const file = input.files[0];
  if (!file) return;
  try {
    const answer = await ask(`${own.at}/picture`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream", Accept: "application/json", "X-CSRF-Token": form.elements.csrf.value },
      body: file,
    });
    const said = await answer.json();
    if (answer.ok) {
      form.elements.picture.value = said.name;
      input.value = "";
      showPicture(said.name);
      composer.changed();
    } else {
      problem.textContent = said.error;
      problem.hidden = false;
      input.value = "";
    }
  } catch {
    // The file stays chosen: the form takes it along.
  }
}

function start() {
  const composer = new Composer();
  composer.restore();
  form.addEventListener("input", (event) => {
    if (event.target.name === "file") return;
    if (event.target.name === "expires" && event.target.value) form.querySelector('[name=span][value="other"]').checked = true;
    if (event.target.name === "span" && event.target.value !== "other") form.elements.expires.value = "";
    composer.changed();
  });
  form.addEventListener("click", (event) => {
    const offer = event.target.closest("[data-fill]");
    if (offer) composer.take(offer);
  });
  // From blank to blank by the keyboard's own key, without a tap; after the last one the keyboard goes.
  form.addEventListener("keydown", (event) => {
    const inputs = blankInputs(), at = inputs.indexOf(event.target);
    if (event.key !== "Enter" || event.isComposing || at < 0) return;
    event.preventDefault();
    const next = inputs.slice(at + 1).find((each) => !each.value);
    if (next) next.focus();
    else event.target.blur();
  });
  form.addEventListener("drawn", () => composer.changed());
  form.elements.file.addEventListener("change", (event) => upload(composer, event.target));
  document.querySelector("#no-picture")?.addEventListener("click", (event) => {
    event.preventDefault();
    form.elements.picture.value = "";
    form.elements.alt.value = "";
    showPicture("");
    composer.changed();
  });
  // Once the server has it all, this device needs no copy of what is sent.
  form.addEventListener("submit", () => {
    clearTimeout(composer.wait);
    composer.wait = 0;
    if (composer.stored >= composer.revision) forget(composer.key);
  });
  document.querySelector("#discard")?.addEventListener("submit", () => forget(composer.key));
  addEventListener("online", () => composer.revision > composer.stored && composer.later(0));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && composer.revision > composer.stored) composer.save();
  });
  // What the button does, and whose words it withdraws, changes with what others do, and with a restart.
  watch((incident) => (incident === "*" || incident === form.dataset.incident) && composer.preview());
  return composer.draft;
}

offerTheRest(form ? start() : "");

// Signing out leaves nothing of what was typed on this device.
document.querySelector('form[action$="/sign-out"]')?.addEventListener("submit", () => keptHere().forEach(forget));

// "Does this affect me?" by a street's name. The town's list comes here when the field is first touched, and is looked through
// here: what somebody types is sent nowhere. What is about a street's districts the page itself says, district by district.
const MOST = 8, LEAST = 2;
const SHORT = {all: "allee", av: "avenue", ave: "avenue", bd: "boulevard", bld: "boulevard", bvd: "boulevard", ch: "chemin", che: "chemin", chem: "chemin", dr: "docteur", fbg: "faubourg", fg: "faubourg", gal: "general", gen: "general", imp: "impasse", mal: "marechal", pl: "place", prof: "professeur", r: "rue", res: "residence", rte: "route", sq: "square", st: "saint", ste: "sainte"};
const LITTLE = new Set(["a", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "sur"]);
let list = null, asked = 0;
const chosen = new WeakMap();

// Without case, accents, little words and a house's number, and as people shorten them: "12 bis r. du Gal Leclerc".
function key(text) {
  const plain = text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/œ/g, "oe").replace(/æ/g, "ae");
  const words = plain.replace(/^\s*\d+\s*(bis|ter|quater|[a-d])?(?=[\s,]+\S)[\s,]*/, "").match(/[\p{L}\p{N}]+/gu) ?? [];
  const great = words.filter((word) => !LITTLE.has(word));
  return (great.length ? great : words).map((word) => SHORT[word] ?? word);
}

function fetched(address) {
  list ??= fetch(address).then((answer) => answer.ok ? answer.json() : Promise.reject(answer)).then(({streets}) => streets.map(([name, codes]) => ({name, codes, words: key(name)})));
  list.catch(() => { list = null; });
  return list;
}

// The street of exactly these words before those that only begin so.
function matching(streets, words) {
  const begins = ({words: own}) => words.every((word) => own.some((each) => each.startsWith(word) || (SHORT[each] ?? each).startsWith(word)));
  const exact = (street) => street.words.join(" ") === words.join(" ");
  const found = words.join("").length < LEAST ? [] : streets.filter(begins);
  return [...found.filter(exact), ...found.filter((street) => !exact(street))];
}

async function look(form, isSure) {
  const place = (name) => form.querySelector(`[data-${name}]`), words = key(form.querySelector("input").value), turn = ++asked;
  const offer = (said, found = []) => {
    place("said").textContent = said;
    place("streets").replaceChildren(...found.map((street) => item(form, street)));
  };
  chosen.delete(form);
  place("verdict").replaceChildren();
  const streets = await fetched(form.dataset.list).catch(() => null);
  // Of what was typed since, a later turn tells.
  if (turn !== asked) return;
  if (!streets) return offer(form.dataset.lost);
  const found = matching(streets, words), [first, second] = found;
  const isIt = first && (!second || first.words.join(" ") === words.join(" ") && second.words.join(" ") !== words.join(" "));
  if (isSure && isIt) return choose(form, first);
  if (found.length) offer(found.length > MOST ? form.dataset.more : form.dataset.choose, found.slice(0, MOST));
  else offer(words.join("").length < LEAST && !isSure ? "" : form.dataset.none);
}

function item(form, street) {
  const button = Object.assign(document.createElement("button"), {type: "button", textContent: street.name});
  button.addEventListener("click", () => choose(form, street));
  const one = document.createElement("li");
  one.append(button);
  return one;
}

function choose(form, street) {
  asked++;
  form.querySelector("input").value = street.name;
  form.querySelector("[data-said]").textContent = "";
  form.querySelector("[data-streets]").replaceChildren();
  chosen.set(form, street);
  tell(form);
  form.dispatchEvent(new CustomEvent("place", {bubbles: true, detail: {name: street.name, codes: street.codes}}));
  form.querySelector("[data-verdict]").focus();
}

// For each of its districts; those of which the same is told are told together.
function tell(form) {
  const street = chosen.get(form), groups = new Map();
  if (!street) return;
  for (const code of street.codes) {
    const row = document.querySelector(`dt[data-district="${CSS.escape(code)}"]`);
    if (!row) continue;
    const {sure, perhaps} = row.dataset, same = `${sure}|${perhaps}`;
    groups.set(same, {sure, perhaps, names: [...(groups.get(same)?.names ?? []), row.textContent]});
  }
  const told = [...groups.values()].flatMap(({sure, perhaps, names}) => {
    const say = (words) => words.replace("{place}", () => `${street.name} (${names.join(", ")})`);
    if (!sure && !perhaps) return [[say(form.dataset.no), []]];
    return [["yes", sure], ["perhaps", perhaps]].filter(([, found]) => found).map(([words, found]) => [say(form.dataset[words]), found.split(" ")]);
  });
  const detail = told.length ? told : [[form.dataset.lost, []]];
  form.querySelector("[data-verdict]").dispatchEvent(new CustomEvent("verdict", {bubbles: true, detail}));
}

// The page may be put anew at any moment (public.js): the field is shown, and what was told of a street is told of now.
function renew() {
  for (const form of document.querySelectorAll("form[data-street]")) {
    form.hidden = false;
    tell(form);
  }
}

const formOf = ({target}) => target.closest?.("form[data-street]");
document.addEventListener("focusin", (event) => { const form = formOf(event); if (form) fetched(form.dataset.list).catch(() => null); });
document.addEventListener("input", (event) => { const form = formOf(event); if (form) look(form, false); });
document.addEventListener("submit", (event) => {
  const form = formOf(event);
  if (!form) return;
  event.preventDefault();
  look(form, true);
});
renew();
new MutationObserver(renew).observe(document.querySelector("main"), {childList: true});

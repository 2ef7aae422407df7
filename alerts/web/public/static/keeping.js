// Reports that wait on this phone for a network, in a store of the browser's own. None of it is known to anybody else.
const STORE = "reports";
let opened = null;

function store() {
  return (opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open("tocsin", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, {keyPath: "key"});
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  }));
}

async function done(mode, act) {
  const db = await store();
  return new Promise((resolve, reject) => {
    const asked = act(db.transaction(STORE, mode).objectStore(STORE));
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

// Each by the key of its form: {key, at, action, name, fields, photo}, and once it is sent {key, at, name, number, link}.
export const keep = (report) => done("readwrite", (reports) => reports.put(report));
export const drop = (key) => done("readwrite", (reports) => reports.delete(key));
export const kept = () => done("readonly", (reports) => reports.getAll());

// Computes keys of a challenge (PBKDF2/SHA-256) until one begins with the bytes that are asked for, and tells which one.
const AT_ONCE = Math.min(navigator.hardwareConcurrency || 1, 4);

onmessage = async ({data: {parameters}}) => {
  try {
    if (parameters.algorithm !== "PBKDF2/SHA-256") throw new Error(parameters.algorithm);
    postMessage(await solve(parameters));
  } catch {
    postMessage(null);
  }
};

async function solve({nonce, salt, cost, keyLength, keyPrefix}) {
  const terms = {name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: cost}, begins = bytes(nonce);
  for (let first = 0; ; first += AT_ONCE) {
    const keys = await Promise.all(Array.from({length: AT_ONCE}, (_, more) => derive(first + more)));
    const found = keys.findIndex((key) => key.startsWith(keyPrefix));
    if (found >= 0) return {counter: first + found, derivedKey: keys[found]};
  }

  // The password is the nonce and the counter behind it, in four bytes.
  async function derive(counter) {
    const password = new Uint8Array(begins.length + 4);
    password.set(begins);
    new DataView(password.buffer).setUint32(begins.length, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    return hex(new Uint8Array(await crypto.subtle.deriveBits(terms, key, 8 * keyLength)));
  }
}

function bytes(digits) {
  return Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
}

function hex(numbers) {
  return Array.from(numbers, (number) => number.toString(16).padStart(2, "0")).join("");
}

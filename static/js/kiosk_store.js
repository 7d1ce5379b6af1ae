// Numbers that could not be sent, kept in the browser until they can: {key, number, at}, and no pictures. They are sent again
// with the same key, so that the server writes each once. What is older than a day is thrown away: the server refuses it.

const DAY_MS = 24 * 3600 * 1000;
const NAME = "kiosk";
const STORE = "numbers";

/** @returns {Promise<IDBDatabase|null>} null where the browser has no storage: what is not sent at once is then lost. */
function open() {
  return new Promise((resolve) => {
    if (!("indexedDB" in self)) return resolve(null);
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => resolve(null);
  });
}

const database = open();

async function ask(mode, job, nothing) {
  const opened = await database;
  if (!opened) return nothing;
  return new Promise((resolve) => {
    const request = job(opened.transaction(STORE, mode).objectStore(STORE));
    request.onsuccess = () => resolve(request.result ?? nothing);
    request.onerror = () => resolve(nothing);
  });
}

/** at: ms since the epoch, by the device's clock. */
export function keep(entry) {
  return ask("readwrite", (store) => store.put(entry), null);
}

export function drop(key) {
  return ask("readwrite", (store) => store.delete(key), null);
}

/** The oldest first. */
export async function kept(now = Date.now()) {
  const entries = await ask("readonly", (store) => store.getAll(), []);
  for (const { key, at } of entries) if (now - at > DAY_MS) drop(key);
  return entries.filter(({ at }) => now - at <= DAY_MS).sort((one, other) => one.at - other.at);
}

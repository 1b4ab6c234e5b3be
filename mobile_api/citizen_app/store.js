/**
 * What the phone keeps between visits: key handles, the account id, settings.
 *
 * Never a PIN, a PIN key, a signature, a picture or personal data.
 */

const NAME = "camdigikey";
const SHELF = "kept";

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(SHELF);
  return settled(request);
}

export async function openStore() {
  const database = await open();
  const shelf = (mode) => database.transaction(SHELF, mode).objectStore(SHELF);
  return {
    get: (name) => settled(shelf("readonly").get(name)),
    put: (name, value) => settled(shelf("readwrite").put(value, name)),
    /** Store `value` unless the name is taken; answer what is kept. */
    async add(name, value) {
      const transaction = database.transaction(SHELF, "readwrite");
      const objects = transaction.objectStore(SHELF);
      const kept = await settled(objects.get(name));
      if (kept !== undefined) return kept;
      await settled(objects.put(value, name));
      return value;
    },
    remove: (name) => settled(shelf("readwrite").delete(name)),
    clear: () => settled(shelf("readwrite").clear()),
  };
}

/** Unsent form fields, kept for this tab only. A PIN never comes here. */
export const drafts = {
  get(name) {
    try {
      return JSON.parse(sessionStorage.getItem(`draft.${name}`)) ?? {};
    } catch {
      return {};
    }
  },
  put: (name, fields) =>
    sessionStorage.setItem(`draft.${name}`, JSON.stringify(fields)),
  remove: (name) => sessionStorage.removeItem(`draft.${name}`),
};

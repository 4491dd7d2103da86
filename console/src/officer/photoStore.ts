/** Photos that are not with the server yet, in the browser's database: a reload or an empty battery loses none. */

export interface KeptPhoto {
  id: string;
  task: number;
  bytes: ArrayBuffer;
  type: string;
  takenAt: string;
  sha256: string | null;
  /** To be sent; before that it belongs to a form that may still be changed. */
  released: boolean;
}

export interface PhotoStore {
  load(): Promise<KeptPhoto[]>;
  put(photo: KeptPhoto): Promise<void>;
  remove(id: string): Promise<void>;
}

const NAME = "farwatch";
const PHOTOS = "photos";

function opened(): Promise<IDBDatabase> {
  const asked = indexedDB.open(NAME, 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore(PHOTOS, { keyPath: "id" });
  return answered(asked);
}

function answered<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("the browser's database does not answer"));
  });
}

/** Until it is on the disk: what only its request said to be done may still be undone. */
function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("the browser's database has no room"));
  });
}

/** One list per person: nobody sends what somebody else photographed with the same phone. */
export function browserPhotos(person: string): PhotoStore {
  let database: Promise<IDBDatabase> | undefined;
  const open = (): Promise<IDBDatabase> => (database ??= opened());

  async function write(change: (photos: IDBObjectStore) => void): Promise<void> {
    const transaction = (await open()).transaction(PHOTOS, "readwrite");
    change(transaction.objectStore(PHOTOS));
    await committed(transaction);
  }

  return {
    async load() {
      const all = await answered((await open()).transaction(PHOTOS).objectStore(PHOTOS).getAll());
      const mine = (all as (KeptPhoto & { person: string })[]).filter((photo) => photo.person === person);
      return mine.sort((a, b) => a.takenAt.localeCompare(b.takenAt));
    },
    put: (photo) => write((photos) => photos.put({ ...photo, person })),
    remove: (id) => write((photos) => photos.delete(id)),
  };
}

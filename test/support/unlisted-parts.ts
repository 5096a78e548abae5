/**
 * Committed output that no published checkpoint lists: rows which a reader sees although a restart may take them back. Read
 * from the store and the disk alone, without the engine.
 */
import type { Disk } from '../../src/base/disk.ts';
import type { CheckpointStore } from '../../src/state/checkpoint-store.ts';

const PART = /^part-(\d{10})\./;

/** The first part in a folder under `out` that the newest manifest of the store does not know; undefined when all are known. */
export async function unlistedPart(
  disk: Disk,
  store: CheckpointStore,
  folders: { readonly [sink: string]: string },
): Promise<string | undefined> {
  const next = await nextParts(store);
  for (const [sink, folder] of Object.entries(folders)) {
    for (const name of await disk.list(`out/${folder}`)) {
      const number = PART.exec(name)?.[1];
      if (number !== undefined && Number(number) >= (next.get(sink) ?? 0))
        return `${folder}/${name} is in no published checkpoint`;
    }
  }
  return undefined;
}

/** Per sink the number of the first part that the newest manifest does not list. */
async function nextParts(store: CheckpointStore): Promise<ReadonlyMap<string, number>> {
  const manifests = (await store.list()).filter(({ name }) => name.startsWith('checkpoint-'));
  const newest = manifests.reduce((last, blob) => (blob.name > last.name ? blob : last), { name: '', bytes: 0 });
  if (newest.name === '') return new Map();
  const text = new TextDecoder().decode(await store.read(newest.name, 0, newest.bytes));
  const { sinks }: { sinks: { [uid: string]: { next: number }[] } } = JSON.parse(text.split('\n')[2] ?? '{}');
  return new Map(
    Object.entries(sinks).map(([uid, listed]) => [uid, Math.max(0, ...listed.map((committable) => committable.next))]),
  );
}

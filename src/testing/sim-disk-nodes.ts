/**
 * Files and folders of the simulated disk: each knows what is written and what is synced.
 *
 *   file:    synced bytes | appended since          folder:  synced entries + changes since, in order
 *            ^ survive      ^ a torn prefix may              ^ survive        ^ any subset may
 *
 * Not here: paths, calls, faults (sim-disk.ts).
 */
import { assert } from '../base/assert.ts';
import { below, type Random } from '../base/random.ts';

const SECTOR_BYTES = 512;
const NOTHING = new Uint8Array(0);

export type Node = FileNode | FolderNode;

export type DirectoryChange =
  | { readonly kind: 'link'; readonly name: string; readonly node: Node }
  /** `after`: the other half of a rename between folders; this half never survives without it. */
  | {
      readonly kind: 'unlink';
      readonly name: string;
      readonly after?: { readonly folder: FolderNode; readonly link: DirectoryChange };
    }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string; readonly node: Node };

export class FileNode {
  synced: Uint8Array = NOTHING;
  /** Whether the synced bytes were cut away since. */
  truncated = false;
  appended: Uint8Array[] = [];
  /** A sync failed: nobody knows what is on the medium, and no later sync can tell. */
  poisoned = false;

  get length(): number {
    return this.appended.reduce((sum, bytes) => sum + bytes.length, this.truncated ? 0 : this.synced.length);
  }

  append(bytes: Uint8Array): void {
    this.appended.push(bytes.slice());
  }

  truncate(): void {
    this.truncated = true;
    this.appended = [];
    this.poisoned = false;
  }

  sync(): void {
    this.synced = this.bytes();
    this.truncated = false;
    this.appended = [];
  }

  bytes(): Uint8Array {
    return concat(this.truncated ? NOTHING : this.synced, this.appended);
  }

  copy(): FileNode {
    const copy = new FileNode();
    copy.synced = this.synced;
    copy.truncated = this.truncated;
    copy.appended = [...this.appended];
    copy.poisoned = this.poisoned;
    return copy;
  }

  /** Becomes what the medium may hold. */
  losePower(random: Random): void {
    const kept = this.truncated && below(random, 2) === 0 ? NOTHING : this.synced;
    const tail =
      this.truncated && kept !== NOTHING ? NOTHING : tornPrefix(concat(NOTHING, this.appended), kept.length, random);
    this.synced = concat(kept, [tail]);
    this.truncated = false;
    this.appended = [];
    this.poisoned = false;
  }
}

export class FolderNode {
  entries = new Map<string, Node>();
  synced = new Map<string, Node>();
  changes: DirectoryChange[] = [];

  change(change: DirectoryChange): void {
    apply(this.entries, change);
    this.changes.push(change);
  }

  sync(): void {
    for (const change of this.changes) {
      // Making the removal of the old name durable makes the new name durable: journals keep renames whole.
      if (change.kind === 'unlink' && change.after !== undefined) change.after.folder.syncOne(change.after.link);
    }
    this.synced = new Map(this.entries);
    this.changes = [];
  }

  syncOne(change: DirectoryChange): void {
    const at = this.changes.indexOf(change);
    if (at < 0) return;
    for (const earlier of this.changes.slice(0, at + 1)) apply(this.synced, earlier);
    this.changes.splice(0, at + 1);
  }
}

/** The folder with all below it, sharing no node with the original; nodes with several names stay one node. */
export function copyTree(root: FolderNode): FolderNode {
  const copies = new Map<Node, Node>();
  const changes = new Map<DirectoryChange, DirectoryChange>();
  const copyFolder = (node: FolderNode): FolderNode => {
    const known = copies.get(node);
    if (known instanceof FolderNode) return known;
    const copy = new FolderNode();
    copies.set(node, copy);
    for (const [name, child] of node.entries) copy.entries.set(name, copyNode(child));
    for (const [name, child] of node.synced) copy.synced.set(name, copyNode(child));
    copy.changes = node.changes.map(copyChange);
    return copy;
  };
  const copyNode = (node: Node): Node => {
    if (node instanceof FolderNode) return copyFolder(node);
    const copy = copies.get(node) ?? node.copy();
    copies.set(node, copy);
    return copy;
  };
  const copyChange = (change: DirectoryChange): DirectoryChange => {
    const known = changes.get(change);
    if (known !== undefined) return known;
    const copy = copyOf(change);
    changes.set(change, copy);
    return copy;
  };
  const copyOf = (change: DirectoryChange): DirectoryChange => {
    if (change.kind !== 'unlink') return { ...change, node: copyNode(change.node) };
    if (change.after === undefined) return change;
    return { ...change, after: { folder: copyFolder(change.after.folder), link: copyChange(change.after.link) } };
  };
  return copyFolder(root);
}

/** `root` (a copy that nobody else holds) as a power loss may leave it; all that is left is durable. */
export function folderAfterPowerLoss(root: FolderNode, random: Random): FolderNode {
  const survived = new Set<DirectoryChange>();
  const folders = foldersOf(root);
  const subset = below(random, 2) === 0;
  for (const folder of folders) {
    const prefix = below(random, folder.changes.length + 1);
    folder.changes.forEach((change, i) => {
      if (subset ? below(random, 2) === 0 : i < prefix) survived.add(change);
    });
  }
  for (const folder of folders) {
    for (const change of folder.changes) {
      const lonely =
        change.kind === 'unlink'
        && change.after !== undefined
        && change.after.folder.changes.includes(change.after.link)
        && !survived.has(change.after.link);
      if (survived.has(change) && !lonely) apply(folder.synced, change);
    }
  }
  const files = new Set<FileNode>();
  for (const folder of folders) {
    folder.entries = new Map(folder.synced);
    folder.changes = [];
    for (const node of folder.entries.values()) if (node instanceof FileNode) files.add(node);
  }
  for (const file of files) file.losePower(random);
  return root;
}

/** Every folder that some name, written or synced, leads to. */
function foldersOf(root: FolderNode): Set<FolderNode> {
  const found = new Set<FolderNode>([root]);
  for (const folder of found) {
    const nodes = [
      ...folder.entries.values(),
      ...folder.synced.values(),
      ...folder.changes.flatMap((change) => ('node' in change ? [change.node] : [])),
    ];
    for (const node of nodes) if (node instanceof FolderNode) found.add(node);
  }
  return found;
}

function apply(entries: Map<string, Node>, change: DirectoryChange): void {
  switch (change.kind) {
    case 'link':
      entries.set(change.name, change.node);
      return;
    case 'unlink':
      entries.delete(change.name);
      return;
    case 'rename':
      entries.delete(change.name);
      entries.set(change.to, change.node);
  }
}

/**
 * A prefix of `bytes` that ends at a sector of the file (it starts at `offset`), of which some sectors may read as
 * zeros.
 */
function tornPrefix(bytes: Uint8Array, offset: number, random: Random): Uint8Array {
  if (bytes.length === 0) return bytes;
  const sectors = Math.ceil((offset + bytes.length) / SECTOR_BYTES) - Math.floor(offset / SECTOR_BYTES);
  const kept = below(random, sectors + 1);
  const end = Math.min(bytes.length, Math.max(0, (Math.floor(offset / SECTOR_BYTES) + kept) * SECTOR_BYTES - offset));
  const torn = bytes.slice(0, end);
  assert(torn.length <= bytes.length, 'a torn write cannot grow');
  if (below(random, 2) === 0) return torn;
  for (let from = 0; from < torn.length; from += SECTOR_BYTES) {
    if (below(random, 4) === 0) torn.fill(0, from, Math.min(from + SECTOR_BYTES, torn.length));
  }
  return torn;
}

function concat(first: Uint8Array, rest: readonly Uint8Array[]): Uint8Array {
  if (rest.length === 0) return first;
  const whole = new Uint8Array(rest.reduce((sum, bytes) => sum + bytes.length, first.length));
  whole.set(first);
  let at = first.length;
  for (const bytes of rest) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}

/** What the generator of the reference offers to its test. */
export interface DoorExports {
  readonly door: string;
  readonly names: readonly { readonly name: string; readonly doc: string; readonly declaration: string }[];
}
export function exportsOf(): readonly DoorExports[];
export function referencePage(doors?: readonly DoorExports[]): string;

/** Rows of results as a page has them: each as its line of JSON says. */
import type { Json } from '../src/base/json.ts';

/** Instants are ISO text, bytes base64. */
export type ResultRow = { readonly [column: string]: Json };

export const rowsOf = (text: string): readonly ResultRow[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    // Lines of our own encoder: one object each.
    .map((line) => JSON.parse(line) as ResultRow);

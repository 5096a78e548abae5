/** What a changelog row does to the result before it. Codes shared with assembly/abi.ts. */
export const RowKind = { INSERT: 0, UPDATE_BEFORE: 1, UPDATE_AFTER: 2, DELETE: 3 } as const;
export type RowKind = (typeof RowKind)[keyof typeof RowKind];

const SHORT = ['+I', '-U', '+U', '-D'] as const;

/** '+I', '-U', '+U', '-D' */
export const shortRowKind = (kind: RowKind): string => SHORT[kind];

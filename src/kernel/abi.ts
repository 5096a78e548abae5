/** The constants of assembly/abi.ts, for the host. Asserted equal at load through `abiVersion`. */
export const ABI_VERSION = 1;
export const OUT_OF_MEMORY = -1;
export const OUTPUT_FULL = -2;
export const CORRUPT = -3;
/** type u32, values u32, validity u32, spare u32 */
export const COLUMN_BYTES = 16;

/** The compiled kernels, embedded deflated, as base64, by assembly/build.mjs: one form for Node, Vite and workers, and no fetch. */
export declare const kernelsBase64: string;

declare global {
  /** Defined in the build of the core edition alone (edition.ts). */
  const KERNELS_CORE: boolean;
}

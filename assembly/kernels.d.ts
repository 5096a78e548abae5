/** The compiled kernels, embedded deflated, as base64, by assembly/build.mjs: one form for Node, Vite and workers, and no fetch. */
export declare const kernelsBase64: string;

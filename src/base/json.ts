/** Values that survive JSON unchanged: what manifests, offsets and committables are made of. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

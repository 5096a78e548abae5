/**
 * The two editions of the kernels: the whole, and the core, which a page loads when its job needs no more (index-core.ts). What
 * only the whole has stands behind this constant, so that the compiler leaves it out of the core. The alias that it asks for is
 * defined by the build of the core (build.mjs).
 */
export const WHOLE: bool = !isDefined(KERNELS_CORE);

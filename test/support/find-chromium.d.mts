/** Types of find-chromium.mjs, which runs without a build. */
export declare function installedChromium(): string | undefined;
export declare function findChromium(): string;

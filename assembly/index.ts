/** The only export list. One block per room; a kernel that is not named here does not exist for the host. */
export { abiVersion } from './abi';
export { framesTaken, memoryInit, transientAlloc } from './memory/frames';

// json
export { jsonColumn, jsonLinesEnd, jsonParse, jsonParser, jsonScratch } from './json/parser';

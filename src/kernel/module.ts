/**
 * The compiled kernels, from what the host embeds: deflated, as base64. Compiled once per process and posted to workers.
 */
import { assert } from '../base/assert.ts';
import { bytesOf } from '../base/bytes.ts';

export async function compileKernels(deflatedBase64: string): Promise<WebAssembly.Module> {
  const deflated = bytesOf(deflatedBase64);
  const { body } = new Response(deflated);
  assert(body !== null, 'the body of bytes');
  const inflated = new Response(body.pipeThrough(new DecompressionStream('deflate-raw')));
  return WebAssembly.compile(await inflated.arrayBuffer());
}

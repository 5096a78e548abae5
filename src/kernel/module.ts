/**
 * The compiled kernels, from what the host embeds: deflated, as base64. Compiled once per process and posted to workers.
 */
import { bytesOf } from '../base/bytes.ts';

export async function compileKernels(deflatedBase64: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await inflated(bytesOf(deflatedBase64)));
}

/** By reading and writing the stream, as a Response would: Node takes 20 ms to load what it has for those. */
async function inflated(deflated: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new DecompressionStream('deflate-raw');
  const writer = writable.getWriter();
  const written = Promise.all([writer.write(deflated), writer.close()]);
  let whole = new Uint8Array(0);
  const reader = readable.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const before = whole;
    whole = new Uint8Array(before.length + part.value.length);
    whole.set(before);
    whole.set(part.value, before.length);
  }
  await written;
  return whole;
}

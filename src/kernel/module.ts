/** The compiled kernels, from the bytes that the host embeds. Compiled once per process and posted to workers. */
export function compileKernels(base64: string): Promise<WebAssembly.Module> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return WebAssembly.compile(bytes);
}

/** Sizes as users write them and as people read them. */
import { UserError } from './errors.ts';

const UNITS = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;

export type SizeUnit = keyof typeof UNITS;
/** A size as users write it: '256 MB'. KB, MB and GB are powers of 1024. */
export type Size = `${number} ${SizeUnit}`;

/** Bytes of '256 MB'. Throws E1002 naming `what` when the text is not a size, E1003 when it is not above zero. */
export function sizeBytes(text: string, what: string): number {
  const match = /^(-?\d+(?:\.\d+)?) (B|KB|MB|GB)$/.exec(text);
  if (match === null) throw new UserError('E1002', { text, what });
  // The pattern lets no other unit through.
  const bytes = Math.round(Number(match[1]) * UNITS[match[2] as SizeUnit]);
  if (bytes <= 0) throw new UserError('E1003', { what, text });
  return bytes;
}

/** '1.5 MB' */
export function formatBytes(bytes: number): string {
  const unit = (['GB', 'MB', 'KB'] as const).find((name) => Math.abs(bytes) >= UNITS[name]) ?? 'B';
  const amount = bytes / UNITS[unit];
  return `${unit === 'B' || Number.isInteger(amount) ? amount : amount.toFixed(1)} ${unit}`;
}

/** Bytes as text that JSON may hold. */
export function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The bytes of base64. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

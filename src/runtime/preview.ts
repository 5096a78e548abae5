/**
 * A record as an error message may show it: enough to find it, not what it says. Numbers, times and truth values are
 * shown; of texts the beginning and the length; of bytes the length.
 */
import type { Row } from '../format/row-view.ts';

const TEXT_SHOWN = 8;
const CHARS_MAX = 400;

export function previewOf(row: Row): string {
  const shown = Object.entries(row).map(([name, value]) => `${name}: ${previewValue(value)}`);
  const text = `{ ${shown.join(', ')} }`;
  return text.length <= CHARS_MAX ? text : `${text.slice(0, CHARS_MAX)}…`;
}

function previewValue(value: unknown): string {
  if (typeof value === 'string') {
    const cut = Array.from(value);
    return cut.length <= TEXT_SHOWN
      ? JSON.stringify(value)
      : `${JSON.stringify(`${cut.slice(0, TEXT_SHOWN).join('')}…`)} (${cut.length} characters)`;
  }
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  // Instants say what they are; any other object is content.
  if (typeof value === 'object' && value !== null) return 'epochMs' in value ? String(value) : 'an object';
  return String(value);
}

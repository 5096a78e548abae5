/**
 * Results as text that is equal exactly when they are: keys sorted, Maps and Sets in the order of their texts, bytes in
 * hexadecimal, and the numbers that JSON confuses (-0, NaN, infinities, bigint) told apart.
 */
export function canonicalText(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return value === undefined ? 'undefined' : JSON.stringify(value);
  if (value instanceof Uint8Array) return `bytes ${[...value].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (value instanceof Set) return `set {${[...value].map(canonicalText).sort().join(', ')}}`;
  if (value instanceof Map) {
    return `map {${[...value].map(([key, item]) => `${canonicalText(key)} => ${canonicalText(item)}`).sort().join(', ')}}`;
  }
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(', ')}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}: ${canonicalText(item)}`).join(', ')}}`;
}

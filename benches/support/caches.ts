/** Sizes of the caches of the first core, as Linux tells them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = '/sys/devices/system/cpu/cpu0/cache';
const UNITS: { readonly [unit: string]: number } = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** Bytes by level, caches of instructions left out; without any where the system does not tell. */
export function cacheBytes(folder = FOLDER): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  if (!existsSync(folder)) return found;
  for (const name of readdirSync(folder)) {
    const text = (file: string): string => readFileSync(join(folder, name, file), 'utf8').trim();
    if (!existsSync(join(folder, name, 'size')) || text('type') === 'Instruction') continue;
    const [, digits = '', unit = ''] = /^(\d+)([KMG]?)$/.exec(text('size')) ?? [];
    const bytes = Number(digits) * (UNITS[unit] ?? Number.NaN);
    if (bytes > 0) found.set(Number(text('level')), bytes);
  }
  return found;
}

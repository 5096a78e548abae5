import { expect, it } from 'vitest';
import { LastAsker } from '../../../src/base/last-asker.ts';
import { keptOf } from '../../support/kept.ts';

it('tells whoever asked last, and keeps no other', async () => {
  const asker = new LastAsker();
  const told: string[] = [];
  void asker.asked().then(() => told.push('first'));
  const last = asker.asked().then(() => told.push('last'));
  asker.tell();
  asker.tell();
  await last;
  expect(told).toEqual(['last']);
  expect(await keptOf(100, () => asker.asked())).toBeLessThanOrEqual(1);
});

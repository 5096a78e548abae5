import { expect, it } from 'vitest';
import { Wake } from '../../../src/base/wake.ts';

it('resolves, is aborted and tells its listeners once, but not those that left', async () => {
  const wake = new Wake();
  const heard: string[] = [];
  const left = (): void => {
    heard.push('left');
  };
  wake.addEventListener('abort', () => heard.push('stayed'));
  wake.addEventListener('abort', left);
  wake.removeEventListener('abort', left);
  expect(wake.aborted).toBe(false);
  wake.wake();
  wake.wake();
  await wake.promise;
  expect(wake.aborted).toBe(true);
  expect(heard).toEqual(['stayed']);
});

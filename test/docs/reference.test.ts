import { beforeAll, expect, it } from 'vitest';
import { exportsOf, referencePage } from '../../web/docs/reference.mjs';

let doors: ReturnType<typeof exportsOf>;
beforeAll(() => {
  doors = exportsOf();
});

it('says of every name behind a door what it is', () => {
  const silent = doors.flatMap(({ door, names }) =>
    names.filter(({ doc }) => doc.trim() === '').map(({ name }) => `${door}: ${name}`),
  );
  expect(silent).toEqual([]);
});

it('lists every name with its declaration', () => {
  const page = referencePage(doors);
  const names = doors.flatMap((door) => door.names);
  expect(names.length).toBeGreaterThan(60);
  for (const { name, declaration } of names) {
    expect(page).toContain(`### ${name}\n`);
    expect(declaration, name).toMatch(/^(abstract class|class|const|function|interface|type|let|enum)\b/);
  }
});

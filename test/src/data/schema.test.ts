import { expect, it } from 'vitest';
import { BATCH_ROWS_MAX } from '../../../src/data/record-batch.ts';
import { RowKind, shortRowKind } from '../../../src/data/row-kind.ts';
import { describeSchema, indexOfColumn, requireColumn, tableSchema } from '../../../src/data/schema.ts';
import { describeType, Physical, physicalOf, type TypeKind, widthOf } from '../../../src/data/types.ts';

const flight = tableSchema([
  { name: 'scheduled', type: { kind: 'timestamp', nullable: false } },
  { name: 'delayMinutes', type: { kind: 'int32', nullable: true } },
]);

it('refuses a name that stands twice', () => {
  expect(() => tableSchema([...flight.fields, ...flight.fields])).toThrow("column 'scheduled' is declared twice");
});

it('finds columns, and says what there is when one is missing', () => {
  expect(indexOfColumn(flight, 'delayMinutes')).toBe(1);
  expect(indexOfColumn(flight, 'delay')).toBe(-1);
  expect(requireColumn(flight, 'scheduled', 'keyBy')).toBe(0);
  expect(() => requireColumn(flight, 'delay', 'keyBy')).toThrow("unknown column 'delay' in keyBy");
});

it('describes schemas and types as a person reads them', () => {
  expect(describeSchema(flight)).toBe('scheduled timestamp; delayMinutes int32, nullable');
  expect(describeType({ kind: 'timestamp', nullable: false, unit: 'us' })).toBe('timestamp (us)');
});

it.each<[TypeKind, Physical, number]>([
  ['bool', Physical.BOOL, 1],
  ['int8', Physical.I32, 4],
  ['int16', Physical.I32, 4],
  ['int32', Physical.I32, 4],
  ['int64', Physical.I64, 8],
  ['timestamp', Physical.I64, 8],
  ['float32', Physical.F64, 8],
  ['float64', Physical.F64, 8],
  ['utf8', Physical.VIEW, 8],
  ['bytes', Physical.VIEW, 8],
  ['json', Physical.VIEW, 8],
])('lays %s out as its physical type and width', (kind, physical, width) => {
  expect([physicalOf({ kind, nullable: false }), widthOf(physical)]).toEqual([physical, width]);
});

it('names row kinds by their short forms', () => {
  expect(Object.values(RowKind).map(shortRowKind)).toEqual(['+I', '-U', '+U', '-D']);
});

it('fits row numbers of a batch into sixteen bits', () => {
  expect(BATCH_ROWS_MAX).toBeLessThanOrEqual(65536);
});

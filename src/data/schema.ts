/** The schema of a stream: named, typed columns in order. Plain data, so that plans and manifests can hold it. */
import { didYouMean, UserError } from '../base/errors.ts';
import { type ColumnType, describeType } from './types.ts';

export interface Field {
  readonly name: string;
  readonly type: ColumnType;
}

export interface TableSchema {
  readonly fields: readonly Field[];
}

/** A schema from fields; throws E1005 on a name that stands twice. */
export function tableSchema(fields: readonly Field[]): TableSchema {
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (seen.has(name)) throw new UserError('E1005', { column: name });
    seen.add(name);
  }
  return { fields };
}

export const indexOfColumn = (schema: TableSchema, name: string): number =>
  schema.fields.findIndex((field) => field.name === name);

/** Index of a column that must be there; E1203 with the nearest name when it is not. */
export function requireColumn(schema: TableSchema, name: string, where: string): number {
  const index = indexOfColumn(schema, name);
  if (index >= 0) return index;
  const names = schema.fields.map((field) => field.name);
  const meant = didYouMean(name, names);
  throw new UserError(
    'E1203',
    { column: name, where },
    {
      hint: `the input has: ${names.join(', ')}.${meant === undefined ? '' : ` Did you mean '${meant}'?`}`,
    },
  );
}

export function describeSchema(schema: TableSchema): string {
  return schema.fields.map((field) => `${field.name} ${describeType(field.type)}`).join('; ');
}

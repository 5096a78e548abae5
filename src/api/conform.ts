/** Makes a node's rows fit a schema that somebody else asks for: a union's, a sink's. */
import { UserError } from '../base/errors.ts';
import { indexOfColumn, requireColumn, type TableSchema } from '../data/schema.ts';
import { describeType } from '../data/types.ts';
import type { LogicalNode } from '../plan/logical.ts';
import type { Named } from './traits.ts';

/** The node with exactly the columns of `schema`, in its order; itself when it has them already. */
export function conform(node: LogicalNode, schema: TableSchema, where: string): LogicalNode {
  const columns = schema.fields.map(({ name, type }): Named => {
    const found = node.schema.fields[requireColumn(node.schema, name, where)]?.type ?? type;
    const isSame =
      found.kind === type.kind
      && found.unit === type.unit
      && found.bigint === type.bigint
      && (type.nullable || !found.nullable);
    if (!isSame)
      throw new UserError('E1204', { column: name, type: describeType(found), where, needs: describeType(type) });
    return { name, expression: { op: 'column', name, type: found } };
  });
  const isAsItIs =
    node.schema.fields.length === columns.length
    && columns.every(({ name }, index) => indexOfColumn(node.schema, name) === index);
  return isAsItIs ? node : { kind: 'project', schema, input: node, columns };
}

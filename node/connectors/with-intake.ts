/** A source of which not all rows go on, or not as fast as they come. */
import { UserError } from '../../src/base/errors.ts';
import { effectiveIntake, RowIntake } from '../../src/connector/intake.ts';
import type { SourceConnector } from '../../src/connector/source.ts';
import type { Reading } from './read-options.ts';

export function withIntake(connector: SourceConnector, { intake, startsAt }: Reading, where: string): SourceConnector {
  return {
    ...connector,
    ...(startsAt === undefined ? {} : { startsAt }),
    intake(context) {
      // Also when nothing is asked for any more: what went on at first decides what goes on.
      const spec = effectiveIntake(intake, context.saved);
      if (Object.values(spec).every((value) => value === undefined)) return undefined;
      if (spec.fromMs !== undefined && context.eventTime === undefined) {
        throw new UserError(
          'E1510',
          {
            source: where,
            option: 'startAt { timestamp }',
            problem: 'the job does not say which column is its event time',
          },
          { hint: ".watermark('column', ...) directly on this source says it" },
        );
      }
      return new RowIntake(context.kernels, spec, context);
    },
  };
}

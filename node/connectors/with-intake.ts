/** A source of which not all rows go on, or not as fast as they come. */
import { UserError } from '../../src/base/errors.ts';
import { RowIntake } from '../../src/connector/intake.ts';
import type { SourceConnector } from '../../src/connector/source.ts';
import type { Reading } from './read-options.ts';

/** The connector itself when nothing of the kind is asked for. */
export function withIntake(connector: SourceConnector, { intake, startsAt }: Reading, where: string): SourceConnector {
  const placed = startsAt === undefined ? connector : { ...connector, startsAt };
  if (Object.values(intake).every((value) => value === undefined)) return placed;
  return {
    ...placed,
    intake(context) {
      if (intake.fromMs !== undefined && context.eventTime === undefined) {
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
      return new RowIntake(context.kernels, intake, context);
    },
  };
}

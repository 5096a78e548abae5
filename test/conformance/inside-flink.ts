/**
 * Cases that are never run, by id: what they observe exists only inside the engine that they were written for. Each with
 * what it is and why no user could see it.
 */
export const INSIDE_FLINK: { readonly [id: string]: string } = {
  'RowTimeMiniBatchAssginerOperatorTest.testRowTimeWatermarkAssigner':
    'thins out watermarks between two operators of a mini-batch plan; results are the same with and without it',
};

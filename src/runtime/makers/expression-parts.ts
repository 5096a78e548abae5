/** Parts over columns, as one file to fetch. */
import * as changelogs from './changelogs.ts';
import * as expressions from './expressions.ts';

export { changelogs, expressions };

/** Sessions over their kernel. */
import type { Conditions } from '../aggregate-inputs.ts';
import { SessionWindow } from '../operators/session-window.ts';
import { kernelWindowOptions } from './aligned-windows.ts';
import type { Site } from './site.ts';

export const makeSessionWindow = (site: Site<'windowAggregate'>, conditions: Conditions | undefined): SessionWindow =>
  new SessionWindow(kernelWindowOptions(site, conditions));

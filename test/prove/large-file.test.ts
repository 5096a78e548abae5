import { createReadStream, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JobFolder } from '../support/cli.ts';
import { type LargeFile, writeLargeBids } from '../support/large-bids.ts';

const RESIDENT_BYTES_MAX = 400e6;
const PRICE = 1_000;
const HEAD = `import { boundedOutOfOrderness, count, from, int64, job, max, schema, sum, timestamp, tumbling, utf8 } from 'millrace';
import { ndjsonFiles, ndjsonSink } from 'millrace/node';
const Bid = schema({ auction: int64(), price: int64(), channel: utf8(), url: utf8(), dateTime: timestamp() });
const bids = from(ndjsonFiles('bids.ndjson', Bid));
`;
const WINDOWS = `${HEAD}const sums = bids.watermark('dateTime', boundedOutOfOrderness('1 s')).keyBy('channel').window(tumbling('10 s'))
  .aggregate({ n: count(), total: sum('price'), worst: max('price') });
export default job('windows', sums.to(ndjsonSink('out')), sums.late.to(ndjsonSink('late')));
`;
const PASSES = `${HEAD}export default bids.where((bid) => bid.price.gt(${PRICE})).to(ndjsonSink('passed'));
`;

let folder: JobFolder;
let file: LargeFile;

beforeAll(() => {
  folder = new JobFolder();
  file = writeLargeBids(join(folder.path, 'bids.ndjson'), 2e9);
  // What the process had resident at most, as the system counted it.
  folder.write(
    'resident.mjs',
    "process.on('exit', () => process.stderr.write(`resident ${process.resourceUsage().maxRSS * 1024}\\n`));\n",
  );
});

afterAll(() => folder.remove());

/** Runs a job with a small heap; answers what was resident at most, bytes. */
async function residentBytes(name: string, text: string): Promise<number> {
  folder.write(`${name}.ts`, text);
  const limits = "export NODE_OPTIONS='--max-old-space-size=128 --import ./resident.mjs'; exec";
  const answer = await folder.start(['run', `${name}.ts`, '--checkpoint-every', '1 s'], limits).answer;
  expect(answer.code, answer.err).toBe(0);
  const bytes = Number(/resident (\d+)/.exec(answer.err)?.[1]);
  console.log(
    `${name}: ${Math.round(bytes / 1e6)} MB resident at most for ${Math.round(file.bytes / 1e6)} MB\n${answer.err}`,
  );
  return bytes;
}

async function linesOf(output: string, each: (line: string) => void): Promise<void> {
  for (const part of readdirSync(join(folder.path, output)).filter((name) => name.startsWith('part-'))) {
    let rest = '';
    for await (const chunk of createReadStream(join(folder.path, output, part), {
      encoding: 'utf8',
      highWaterMark: 1 << 20,
    })) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(each);
    }
    expect(rest).toBe('');
  }
}

it('reads a file of 2 GB into windows with a heap of 128 MB and less than 400 MB resident', async () => {
  expect(await residentBytes('windows', WINDOWS)).toBeLessThan(RESIDENT_BYTES_MAX);
  let [counted, late] = [0, 0];
  await linesOf('out', (line) => (counted += Number(/"n":(\d+)/.exec(line)?.[1])));
  await linesOf('late', () => late++);
  expect(late).toBeGreaterThan(0);
  expect(counted + late).toBe(file.lines);
});

it('passes a file of 2 GB through a filter into a sink within the same memory', async () => {
  expect(await residentBytes('passes', PASSES)).toBeLessThan(RESIDENT_BYTES_MAX);
  let passed = 0;
  await linesOf('passed', () => passed++);
  const inBlock = file.block.filter((line) => Number(/"price":(\d+)/.exec(line)?.[1]) > PRICE).length;
  expect(inBlock).toBeGreaterThan(file.block.length / 10);
  expect(passed).toBe(inBlock * file.blocks);
  rmSync(join(folder.path, 'passed'), { recursive: true });
});

// Prints a digest of what the npm package that is installed beside this file makes of the values of a file.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { load } from 'ferrule-signal-stats';

const [, , path, asked] = process.argv;
const { block, probabilities, few, taps, section, statistics, bins, lower, upper, width, up, down, precision } =
    JSON.parse(asked);
const stats = await (await load()).instantiate({});
const bytes = await readFile(path);
const all = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
const digest = createHash('sha256');

const list = (result) => digest.update(new Uint8Array(Float64Array.from(result).buffer));
const counts = (result) => digest.update(new Uint8Array(BigUint64Array.from(result).buffer));

for (let start = 0; start < all.length; start += block) {
    const values = all.slice(start, start + block);
    list([stats.mean(values)]);
    list([stats.variance(values, 1)]);
    list([stats.covariance(values, values.slice().reverse(), 1)]);
    list(stats.quantiles(values, probabilities, 'linear'));
    list(stats.quantiles(values, few, 'linear'));
    list(stats.sketchQuantiles(values, probabilities, precision));
    const counted = stats.countBins(values, lower, upper, bins);
    counts([...counted.counts, counted.below, counted.above, counted.nans]);
    list(stats.filter(values, taps));
    list(stats.biquad(values, [section]));
    for (const window of ['rectangular', 'hann']) list(stats.power(values, window));
    for (const statistic of statistics) list(stats.rolling(values, width, statistic));
    list(stats.resample(values, up, down, taps));
}
process.stdout.write(digest.digest('hex'));

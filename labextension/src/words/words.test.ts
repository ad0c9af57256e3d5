import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, figure, grouped, metricsLine, differing, replayed } from './words';

const models = [
  { name: 'rul.plant-01', model: 'rul', segment: 'plant-01' },
  { name: 'churn', model: 'churn' },
  { name: 'rul.plant-02', model: 'rul', segment: 'plant-02' }
];

test('segments stand together under their model', () => {
  assert.deepEqual(
    grouped(models, '').map(([name, group]) => [name, group.length]),
    [['rul', 2], ['churn', 1]]
  );
});

test('every word must be found', () => {
  assert.deepEqual(grouped(models, 'RUL 02').map(([, g]) => g[0].name), ['rul.plant-02']);
  assert.deepEqual(grouped(models, 'nobody'), []);
});

test('figures are short and honest', () => {
  assert.equal(figure(0.6128291), '0.6128');
  assert.equal(figure(1234567), '1.23e+6');
  assert.equal(figure(NaN), '–');
  assert.equal(metricsLine({ b: 2, a: 1, c: 3 }), 'a 1 · b 2');
  assert.equal(metricsLine(undefined), '');
});

test('moments are said as people say them', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  assert.equal(ago('2026-11-22T11:59:50Z', now), 'just now');
  assert.equal(ago('2026-11-22T11:15:00Z', now), '45 min ago');
  assert.equal(ago('2026-11-19T12:00:00Z', now), '3 days ago');
});

test('a replay says what it came to', () => {
  assert.equal(replayed({ reproduced: true, culprit: null, metrics: { mae: 1 } }), 'Reproduced: mae came out the same.');
  assert.match(replayed({ reproduced: false, culprit: 'data X', metrics: {} }), /^Not reproduced: data X/);
  assert.equal(differing({ one: 'a'.repeat(32), other: 'b'.repeat(32) }), 'aaaaaaaa and bbbbbbbb');
});

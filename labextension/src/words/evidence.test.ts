import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byWeight, interval, place, spanOf, standing, tally, wanted } from './evidence';

test('an estimate is shown with its interval', () => {
  assert.equal(interval({ value: 0.41234, low: 0.39, high: 0.44 }), '0.4123 (0.39 to 0.44)');
});

test('every end has a place on the line', () => {
  const span = spanOf([{ value: 1, low: 0, high: 2 }]);
  assert.ok(place(0, span) > 0 && place(2, span) < 100);
  assert.equal(Math.round(place(1, span)), 50);
  assert.equal(place(99, span), 100);
  assert.deepEqual(spanOf([{ value: 3, low: 3, high: 3 }]), [2, 4]);
  assert.deepEqual(spanOf([]), [0, 1]);
  assert.deepEqual(spanOf([{ value: NaN, low: NaN, high: NaN }]), [0, 1]);
});

test('what says no comes first', () => {
  const gates = ['pass', 'inconclusive', 'fail', 'pass'].map(verdict => ({ verdict }));
  assert.deepEqual(byWeight(gates).map(g => g.verdict), ['fail', 'inconclusive', 'pass', 'pass']);
  assert.equal(tally(gates), '1 fail, 1 inconclusive, 2 pass');
});

test('who is wanted is said', () => {
  assert.equal(wanted({ validator: 1, 'risk-officer': 2 }), '1 validator and 2 risk-officers');
  assert.equal(wanted({}), '');
  assert.match(standing('stale'), /changed since/);
  assert.equal(standing('something new'), 'something new');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, ended, finished, lasting, remaining, running, share, short } from './jobs';

const cells = { unit: 'cell' as const, done: 3, of: 12, left: 95, running: [{ cell: 3, line: 'model.fit(X, y)', name: 'train' }] };

test('time is said as people say it', () => {
  assert.deepEqual([0.4, 59.4, 61, 7384].map(lasting), ['0 s', '59 s', '1 min 1 s', '2 h 3 min']);
});

test('a job says how far it is and what runs', () => {
  assert.equal(counted(cells), '3 of 12 cells');
  assert.equal(share(cells), 0.25);
  assert.equal(running(cells), 'now cell 4: model.fit(X, y)');
  assert.equal(running({ ...cells, unit: 'job', running: [{ cell: 0, line: '', name: 'a' }, { cell: 0, line: '', name: 'b' }] }), 'now a, b');
});

test('time left runs down, and is never made up', () => {
  assert.equal(remaining(cells, 35), 'about 1 min 0 s left');
  assert.equal(remaining(cells, 200), 'longer than the last time');
  assert.equal(remaining({ ...cells, left: null }, 0), 'time left not known yet');
});

test('what is not known yet is not claimed', () => {
  assert.equal(counted(null), 'starting');
  assert.equal(share({ ...cells, of: null }), null);
  assert.equal(running(undefined), '');
  assert.equal(ended('KILLED'), 'ended early');
});

test('beside its fleet a job is called by what tells it apart', () => {
  assert.equal(short('train rate=0.9', 'train'), 'rate=0.9');
  assert.equal(short('rul.plant-01', 'rul'), 'plant-01');
  assert.equal(short('train', 'train'), 'train');
  assert.equal(short('other', 'train'), 'other');
  assert.equal(finished({ jobs: 3, 'jobs.finished': 2 }), '2 of 3 jobs finished');
  assert.equal(finished({}), '');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowed, control, initial, request } from './fields';

const base = { choices: [], required: false, computed: false, optional: false, span: '' };
const fields = [
  { ...base, name: 'rate', kind: 'float', text: '0.1', span: '0 < rate <= 1' },
  { ...base, name: 'note', kind: 'str', text: 'x' },
  { ...base, name: 'deep', kind: 'bool', text: 'true' },
  { ...base, name: 'loss', kind: 'choice', text: 'mae', choices: ['mae', 'mse'] },
  { ...base, name: 'day', kind: 'date', text: '', required: true }
];

test('only what was changed is sent', () => {
  const filled = initial(fields);
  assert.deepEqual(request(fields, filled), { parameters: {}, several: {} });
  filled.rate = { text: '0.5', several: false };
  filled.note = { text: '', several: false };
  filled.loss = { text: 'mae, mse', several: true };
  assert.deepEqual(request(fields, filled), { parameters: { rate: '0.5', note: '' }, several: { loss: 'mae, mse' } });
});

test('an emptied number means its default', () => {
  const filled = initial(fields, { rate: '' });
  assert.deepEqual(request(fields, filled).parameters, {});
});

test('an earlier run fills the form', () => {
  assert.equal(initial(fields, { rate: '0.7', gone: '1' }).rate.text, '0.7');
});

test('each kind has its control, and says what it takes', () => {
  assert.deepEqual(fields.map(control), ['number', 'text', 'switch', 'choice', 'text']);
  assert.equal(allowed(fields[0]), 'float, 0 < rate <= 1');
  assert.equal(allowed(fields[4]), 'date, needed');
});

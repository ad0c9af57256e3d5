import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mentioned } from './mentions';

test('only names that the server found are marked', () => {
  assert.deepEqual(mentioned('@bob, see @carol.x; not @dora', ['bob', 'carol.x']), [
    ['@bob', true], [', see ', false], ['@carol.x', true], ['; not @dora', false]
  ]);
  assert.deepEqual(mentioned('nobody', []), [['nobody', false]]);
  assert.deepEqual(mentioned('@bobby', ['bob', 'bobby']), [['@bobby', true]]);
});

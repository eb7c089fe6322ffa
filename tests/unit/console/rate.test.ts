/* Counters' rates from looks at them. */
import './world';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rates } from 'console/lib/rate';

test('one look says nothing, nor do two at once', () => {
  const rates = new Rates();
  rates.note(0, [['a', 100]]);
  assert.equal(rates.of('a'), undefined);
  rates.note(1000, [['a', 200]]);
  assert.equal(rates.of('a'), undefined);
  assert.equal(rates.of('b'), undefined);
});

test('the mean of the last minute', () => {
  const rates = new Rates();
  for (let second = 0; second <= 120; second += 10) {
    rates.note(second * 1000, [['a', second <= 60 ? 0 : (second - 60) * 5]]);
  }
  assert.equal(rates.of('a'), 5); /* the quiet minute before is over */
  rates.note(130_000, [['a', 300]]);
  assert.equal(rates.of('a'), (300 - 50) / 60);
});

test('a counter that begins again is not a negative rate', () => {
  const rates = new Rates();
  rates.note(0, [['a', 5000]]);
  rates.note(10_000, [['a', 10]]);
  assert.equal(rates.of('a'), undefined);
  rates.note(20_000, [['a', 30]]);
  assert.equal(rates.of('a'), 2);
});

test('what ended is forgotten', () => {
  const rates = new Rates();
  rates.note(0, [['a', 0]]);
  rates.note(10_000, []);
  rates.note(20_000, [['a', 50]]);
  assert.equal(rates.of('a'), undefined);
});

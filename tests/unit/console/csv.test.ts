/* Inventories: what spreadsheets write, in whole and cut off anywhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, inventory, parse } from 'console/lib/csv';
import { csvCell, csvText } from 'console/lib/csv-out';

const FILE =
  '\ufeffmac,class,"tags"\r\n02:00:00:00:00:01, medical ,"a;b"\r\n\r\n3,"say ""hi""\nthere",\r\n4,\'=1,\'x';

test('cells, lines, quotes', () => {
  assert.deepEqual(
    parse(FILE).map((one) => [one.line, ...one.cells]),
    [
      [1, 'mac', 'class', 'tags'],
      [2, '02:00:00:00:00:01', 'medical', 'a;b'],
      [4, '3', 'say "hi" there', ''],
      [6, '4', '=1', "'x"],
    ],
  );
  assert.deepEqual(parse('a;b,c;d\n1;2\n').map((one) => one.cells), [['a', 'b,c', 'd'], ['1', '2']]);
  assert.deepEqual(parse('one\rtwo\r').map((one) => one.cells), [['one'], ['two']]);
  assert.equal(parse('a,"b').at(-1)?.open, true);
  assert.deepEqual(parse(''), []);
});

test('every prefix ends, and keeps what came whole', () => {
  const whole = parse(FILE);
  for (let size = 0; size <= FILE.length; size++) {
    const records = parse(FILE.slice(0, size));
    for (const [i, record] of records.slice(0, -1).entries()) {
      assert.deepEqual(record, whole[i]);
    }
  }
});

test('formulas come back as they were', () => {
  const read = (cell: string) => parse(`x\n${cell}\n`)[1]?.cells[0];
  assert.equal(read("'=1+1"), '=1+1');
  assert.equal(read("''=1"), "'=1");
  assert.equal(read("' =1"), ' =1');
  assert.equal(read("'＝1"), '＝1');
  assert.equal(read("'quoted'"), "'quoted'");
});

test('no cell that is written begins a formula, and each comes back as it was', () => {
  for (const begin of ['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
    for (const before of ['', ' ', '  ', "'", " '", '\u3000']) {
      const cell = `${before}${begin}1+1`;
      assert.equal(csvCell(cell), `"'${cell}"`);
    }
  }
  for (const cell of ['\tx', '\rx', ' \tx']) {
    assert.equal(csvCell(cell), `"'${cell}"`);
  }
  for (const cell of ['-5', '-5.25', 'a =1', ' a', "'a", '']) {
    assert.equal(csvCell(cell), `"${cell}"`);
  }
  const name = ' =HYPERLINK("http://192.0.2.1")';
  assert.equal(parse(csvText(['name'], [[name]]))[1]?.cells[0], name);
});

test('an inventory is known by its columns', () => {
  const read = inventory('serial;MAC;Note\n7;02:00:00:00:00:01;by the window\n;;\n8;02:00:00:00:00:02;"open\n');
  assert.deepEqual(read?.columns, ['note']);
  assert.deepEqual(read?.ignored, ['serial']);
  assert.equal(read?.rows.length, 1);
  assert.equal(read?.rows[0]?.note, 'by the window');
  assert.equal(read?.rows[0]?.class, '');
  assert.equal(read?.open, 4);
  assert.equal(inventory('name,note\nx,y\n'), undefined);
  assert.equal(inventory('mac\n02:00:00:00:00:01\n'), undefined);
  assert.equal(inventory(''), undefined);
});

test('what Japanese spreadsheets save is read', () => {
  const utf8 = new TextEncoder().encode('病棟').buffer as ArrayBuffer;
  const sjis = new Uint8Array([0x95, 0x61, 0x93, 0x8f]).buffer as ArrayBuffer;
  assert.equal(decode(utf8), '病棟');
  assert.equal(decode(sjis), '病棟');
});

/* Inventories as spreadsheets write them (RFC 4180, any of their separators), as base/csv.c reads
 * them: control characters become spaces, and the apostrophe that keeps a formula from running is
 * taken away. */
const FORMULA = /^'[' ]*[=+\-@＝＋－＠]/;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]+/g;

/* UTF-8, or else what Japanese spreadsheets write. */
export function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('shift_jis').decode(bytes);
  }
}

function separatorOf(text: string): string {
  const line = text.slice(0, text.search(/[\r\n]|$/));
  const count = (one: string) => line.split(one).length - 1;
  return [',', ';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best));
}

function cell(text: string): string {
  const plain = text.replace(CONTROL, ' ').trim();
  return FORMULA.test(plain) ? plain.slice(1) : plain;
}

export interface CsvRecord {
  line: number; /* where it begins */
  cells: string[];
  open: boolean; /* a quote is not closed: the rest of the file is in it */
}

export function parse(text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  const separator = separatorOf(text.replace(/^\ufeff/, ''));
  let at = text.startsWith('\ufeff') ? 1 : 0;
  let line = 1;
  /* From behind the opening quote to behind the closing one. */
  const quoted = (): [string, boolean] => {
    let value = '';
    for (;;) {
      const end = text.indexOf('"', at);
      const part = text.slice(at, end < 0 ? text.length : end);
      line += (part.match(/\r\n|\r|\n/g) ?? []).length;
      value += part;
      at = end < 0 ? text.length : end + 1;
      if (end < 0 || text[at] !== '"') {
        return [value, end < 0];
      }
      value += '"';
      at++;
    }
  };
  while (at < text.length) {
    const record: CsvRecord = { line, cells: [], open: false };
    for (let more = true; more; ) {
      let value = '';
      if (text[at] === '"') {
        at++;
        const [inner, open] = quoted();
        value = inner;
        record.open ||= open;
      }
      const start = at;
      while (at < text.length && !`${separator}\r\n`.includes(text[at] as string)) {
        at++;
      }
      record.cells.push(cell(value + text.slice(start, at)));
      more = text[at] === separator;
      if (more) {
        at++;
      }
    }
    if (at < text.length) {
      at += text.startsWith('\r\n', at) ? 2 : 1;
      line++;
    }
    if (record.cells.some((one) => one !== '')) {
      records.push(record);
    }
  }
  return records;
}

export const COLUMNS = ['mac', 'class', 'tags', 'note', 'owner', 'owner_email'] as const;
export type Column = (typeof COLUMNS)[number];
export type Row = { line: number } & Record<Column, string>;

/* What a file holds for an import; undefined: its first line does not name the columns. */
export function inventory(text: string): { columns: Column[]; ignored: string[]; rows: Row[]; open?: number } | undefined {
  const [header, ...records] = parse(text);
  const names = header?.cells.map((one) => one.toLowerCase()) ?? [];
  const columns = COLUMNS.filter((one) => one !== 'mac' && names.includes(one));
  if (!names.includes('mac') || columns.length === 0) {
    return undefined;
  }
  const open = records.find((one) => one.open)?.line;
  return {
    columns,
    ignored: names.filter((one) => one && !COLUMNS.includes(one as Column)),
    rows: records
      .filter((one) => !one.open)
      .map((record) => ({
        line: record.line,
        ...(Object.fromEntries(
          COLUMNS.map((one) => [one, record.cells[names.indexOf(one)] ?? '']),
        ) as Record<Column, string>),
      })),
    ...(open === undefined ? {} : { open }),
  };
}

/** Columns that are shown: a file of one line may have millions. */
export const MOST_COLUMNS = 200;

export interface Column {
  key: string;
  name: string;
  values: number[];
}

/** The columns below a head that hold only numbers. */
export function columnsOf(rows: string[][]): Column[] {
  const [head, ...body] = rows;
  if (!head || body.length === 0) return [];
  const found: Column[] = [];
  head.forEach((name, index) => {
    const values = body.map((row) => (row[index]?.trim() ? Number(row[index]) : Number.NaN));
    if (values.every(Number.isFinite)) found.push({ key: String(index), name: name || `column ${index + 1}`, values });
  });
  return found;
}

/** The first columns of all rows, and how many columns there are. */
export function narrowed(rows: string[][]): { rows: string[][]; width: number } {
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  return { rows: width > MOST_COLUMNS ? rows.map((row) => row.slice(0, MOST_COLUMNS)) : rows, width };
}

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

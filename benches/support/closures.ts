/**
 * The functions of P10 and the rows that they see: the engine and its peer run these same functions. Each case has a filter
 * and a map; what is kept and what is made depends on several columns.
 *
 * | case | columns | rows |
 * |---|---|---|
 * | numeric | int32, float64, int64; one float64 is null in one row of ten | in memory |
 * | repeating | 1,000 names, 5 units, 40 sites (null in one row of ten), a float64 | in memory |
 * | unique | ids and notes that do not repeat, 10,000 customers, a float64 | lines of NDJSON |
 */

export interface NumericRow {
  readonly device: number;
  readonly value: number;
  readonly scale: number | null;
  readonly count: number;
}

export interface NumericOut {
  readonly device: number;
  readonly adjusted: number;
  readonly total: number;
}

export interface RepeatingRow {
  readonly sensor: string;
  readonly unit: string;
  readonly site: string | null;
  readonly value: number;
}

export interface RepeatingOut {
  readonly sensor: string;
  readonly site: string;
  readonly kelvin: number;
}

export interface UniqueRow {
  readonly id: string;
  readonly customer: string;
  readonly note?: string | null;
  readonly amount: number;
}

export interface UniqueOut {
  readonly customer: string;
  readonly id: string;
  readonly note: string;
  readonly cents: number;
}

export const keepNumeric = (row: NumericRow): boolean => row.value > 20 && row.count % 8 !== 0;

export const changeNumeric = (row: NumericRow): NumericOut => ({
  device: row.device,
  adjusted: row.value * (row.scale ?? 1),
  total: row.count + 1,
});

export const keepRepeating = (row: RepeatingRow): boolean => row.unit !== 'percent';

export const changeRepeating = (row: RepeatingRow): RepeatingOut => ({
  sensor: row.sensor,
  site: row.site ?? 'nowhere',
  kelvin: row.unit === 'celsius' ? row.value + 273.15 : row.value,
});

export const keepUnique = (row: UniqueRow): boolean => row.amount >= 5;

export const changeUnique = (row: UniqueRow): UniqueOut => ({
  customer: row.customer,
  id: row.id,
  note: row.note ?? '',
  cents: Math.round(row.amount * 100),
});

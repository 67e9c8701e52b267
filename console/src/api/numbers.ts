/** A number as people write it where they are. */
export const counted = (number: number): string => number.toLocaleString();

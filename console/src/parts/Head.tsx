import type { ReactNode } from "react";

/** A column by its name. A `wide` one is left out where the window is narrow. */
type Column = string | { wide: string } | { content: ReactNode };

/** The head of a table. */
export function Head({ columns }: { columns: Column[] }) {
  return (
    <thead>
      <tr>
        {columns.map((column, index) => {
          const [content, wide] =
            typeof column === "string" ? [column, false] : "wide" in column ? [column.wide, true] : [column.content, false];
          return (
            <th key={index} scope="col" className={wide ? "wide" : undefined}>
              {content}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

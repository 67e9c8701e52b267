/** Pairs of a name and a value; pairs without a value are left out. */
export function Facts({ label, facts }: { label: string; facts: [string, string | undefined][] }) {
  return (
    <table className="executions" aria-label={label}>
      <tbody>
        {facts.map(
          ([name, value]) =>
            value && (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="identifier">{value}</td>
              </tr>
            ),
        )}
      </tbody>
    </table>
  );
}

import { Anchor, Badge, Code, Title } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useServices } from "../api/queries";
import { shownAge } from "../api/times";
import { Head } from "../parts/Head";
import { Empty, Loading, Problem } from "../parts/states";
import { useNow } from "../parts/useNow";

const route = getRouteApi("/n/$namespace/services");

export function ServicesPage() {
  const { namespace } = route.useParams();
  const services = useServices(namespace);
  const now = useNow(10_000);
  return (
    <>
      <Title order={1} size="h2" mb="sm">
        Services
      </Title>
      {services.isPending && <Loading what="services" />}
      {services.isError && <Problem error={services.error} retry={() => void services.refetch()} />}
      {services.data?.length === 0 && (
        <Empty>
          There are no services in this namespace. Make one from a project with <Code>sx deploy</Code>.
        </Empty>
      )}
      {services.data && services.data.length > 0 && (
        <table className="executions">
          <Head columns={["Service", "State", { wide: "Created" }, "Executions"]} />
          <tbody>
            {services.data.map((one) => (
              <tr key={one.id}>
                <td className="what">
                  <Anchor component={Link} to={`/n/${namespace}/services/${one.id}`}>
                    {one.name}
                  </Anchor>
                  {one.displayName !== one.name && <span className="message">{one.displayName}</span>}
                </td>
                <td>
                  <Badge variant="outline" className={`status status-${one.lifecycle === "ACCESSIBLE" ? "green" : "yellow"}`}>
                    {one.lifecycle === "ACCESSIBLE" ? "ready" : "not ready"}
                  </Badge>
                </td>
                <td className="wide">{one.createdAt && `${shownAge(one.createdAt, now)} ago`}</td>
                <td>
                  <Link to="/n/$namespace/executions" params={{ namespace }} search={{ service: one.id }} aria-label={`Executions of ${one.name}`}>
                    show
                  </Link>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

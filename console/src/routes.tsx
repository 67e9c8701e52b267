import { createHashHistory, createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { Filters } from "./api/queries";
import { ExecutionsPage } from "./pages/ExecutionsPage";
import { HomePage } from "./pages/HomePage";
import type { FileSearch } from "./parts/PoolFiles";
import { NotFound, Shell } from "./parts/Shell";

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value ? value : typeof value === "number" ? String(value) : undefined;

const page = (value: unknown): number | undefined => (Number(value) > 0 ? Math.floor(Number(value)) : undefined);

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const home = createRoute({ getParentRoute: () => root, path: "/", component: HomePage });

export const executionsRoute = createRoute({
  getParentRoute: () => root,
  path: "/n/$namespace/executions",
  validateSearch: (search: Record<string, unknown>): Filters => ({
    status: text(search.status),
    service: text(search.service),
    tag: text(search.tag),
    text: text(search.text),
    since: text(search.since),
    page: page(search.page),
  }),
  component: ExecutionsPage,
});

export interface ExecutionSearch {
  tab?: string;
  file?: string;
}

export const executionRoute = createRoute({
  getParentRoute: () => root,
  path: "/n/$namespace/executions/$id",
  validateSearch: (search: Record<string, unknown>): ExecutionSearch => ({
    tab: text(search.tab),
    file: text(search.file),
  }),
  component: lazyRouteComponent(() => import("./pages/ExecutionPage"), "ExecutionPage"),
});

const clusterRoute = createRoute({
  getParentRoute: () => root,
  path: "/cluster",
  component: lazyRouteComponent(() => import("./pages/ClusterPage"), "ClusterPage"),
});

const keysRoute = createRoute({
  getParentRoute: () => root,
  path: "/n/$namespace/keys",
  component: lazyRouteComponent(() => import("./pages/KeysPage"), "KeysPage"),
});

const overviewRoute = createRoute({
  getParentRoute: () => root,
  path: "/n/$namespace/overview",
  component: lazyRouteComponent(() => import("./pages/OverviewPage"), "OverviewPage"),
});

export const servicesRoute = createRoute({
  getParentRoute: () => root,
  path: "/n/$namespace/services",
  component: lazyRouteComponent(() => import("./pages/ServicesPage"), "ServicesPage"),
});

export const serviceRoute = createRoute({
  getParentRoute: () => root,
  path: "/n/$namespace/services/$id",
  validateSearch: (search: Record<string, unknown>): { tab?: string; revision?: string } => ({
    tab: text(search.tab),
    revision: text(search.revision),
  }),
  component: lazyRouteComponent(() => import("./pages/ServicePage"), "ServicePage"),
});

export const poolsRoute = createRoute({
  getParentRoute: () => root,
  path: "/n/$namespace/pools",
  validateSearch: (search: Record<string, unknown>): { text?: string } => ({ text: text(search.text) }),
  component: lazyRouteComponent(() => import("./pages/PoolsPage"), "PoolsPage"),
});

export const poolRoute = createRoute({
  getParentRoute: () => root,
  path: "/n/$namespace/pools/$id",
  validateSearch: (search: Record<string, unknown>): FileSearch => ({
    text: text(search.text),
    page: page(search.page),
    file: text(search.file),
  }),
  component: lazyRouteComponent(() => import("./pages/PoolPage"), "PoolPage"),
});

// In the fragment, so that one address of the gateway serves all pages, whatever proxy is before it.
export const router = createRouter({
  routeTree: root.addChildren([
    home,
    clusterRoute,
    keysRoute,
    overviewRoute,
    executionsRoute,
    executionRoute,
    servicesRoute,
    serviceRoute,
    poolsRoute,
    poolRoute,
  ]),
  history: createHashHistory(),
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

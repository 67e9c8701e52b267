import { Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A part of a page under a heading of its own. */
export function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <Title order={2} size="h4" mt="lg" mb="xs">
        {title}
      </Title>
      {children}
    </section>
  );
}

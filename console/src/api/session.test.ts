// @vitest-environment jsdom
import { expect, test, vi } from "vitest";
import { ApiError, call, namespaceOf, readCredential, signIn } from "./session";

test("an access key is told from a token, and says its namespace", () => {
  const key = readCredential(" team-a.k0123456789abcdef:s3cret \n");
  expect(key).toEqual({ kind: "key", id: "team-a.k0123456789abcdef", secret: "s3cret" });
  expect(namespaceOf(key)).toBe("team-a");
  const payload = btoa(JSON.stringify({ sub: "system:serviceaccount:team-b:sx-cli" }));
  expect(namespaceOf(readCredential(`x.${payload}.y`))).toBe("team-b");
  expect(namespaceOf(readCredential("no token at all"))).toBe("");
});

test("an error has the sentence of the API, also when a proxy answers without one", async () => {
  signIn({ kind: "token", token: "t" });
  const fetched = vi.spyOn(globalThis, "fetch");
  fetched.mockResolvedValueOnce(Response.json({ detail: "There is no execution x.", code: "NotFound" }, { status: 404 }));
  await expect(call("/x")).rejects.toMatchObject({ status: 404, message: "There is no execution x." });
  fetched.mockResolvedValueOnce(new Response("<html>", { status: 502 }));
  await expect(call("/x")).rejects.toThrow("The gateway answered with status 502.");
  fetched.mockRejectedValueOnce(new TypeError("network"));
  await expect(call("/x")).rejects.toBeInstanceOf(ApiError);
  expect(new Headers(fetched.mock.calls[0]?.[1]?.headers).get("Authorization")).toBe("Bearer t");
});

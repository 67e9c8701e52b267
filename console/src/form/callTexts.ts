import type { JsonObject } from "../api/types";

export function sxCall(namespace: string, name: string, input: JsonObject): string {
  return `sx run ${name} -n ${namespace} -d ${quoted(JSON.stringify(input))}`;
}

export function curlCall(url: string, input: JsonObject): string {
  return `curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\\n  -d ${quoted(JSON.stringify(input))} ${quoted(url)}`;
}

export function pythonCall(url: string, input: JsonObject): string {
  return `import json
import os

from qhub.service.client import HubServiceClient

client = HubServiceClient(
    ${JSON.stringify(url)},
    os.environ["KEY_ID"],
    os.environ["KEY_SECRET"],
    token_endpoint=os.environ["TOKEN_ENDPOINT"],
)
execution = client.run(request=json.loads(${JSON.stringify(JSON.stringify(input))}))
execution.wait_for_final_state()
print(execution.result())
`;
}

/** A text as one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

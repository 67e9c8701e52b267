import { ApiError, BASE, bearer, errorFrom, forgetToken } from "./session";

/** Post a form and tell how many bytes are away, which `fetch` does not; raises ApiError, DOMException when aborted. */
export async function sendForm(
  path: string,
  form: FormData,
  progress: (sent: number) => void,
  signal: AbortSignal,
): Promise<unknown> {
  const token = await bearer();
  signal.throwIfAborted();
  const request = new XMLHttpRequest();
  const abort = () => request.abort();
  signal.addEventListener("abort", abort);
  try {
    return await new Promise((resolve, reject) => {
      request.open("POST", `${BASE}${path}`);
      if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
      request.upload.onprogress = (event) => progress(event.loaded);
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) return resolve(JSON.parse(request.responseText));
        if (request.status === 401) forgetToken();
        reject(errorFrom(request.status, request.responseText));
      };
      request.onerror = () => reject(new ApiError(0, "Unreachable", "The connection broke before the answer came."));
      request.onabort = () => reject(new DOMException("aborted", "AbortError"));
      request.send(form);
    });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

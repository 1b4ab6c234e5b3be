/** Send bytes and hear how many have gone: what `fetch` cannot tell. */

/** Answers a Response; rejects with an error named like those of `fetch`. */
export function transfer(path, { headers, body, timeout, onProgress }) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    const failed = (name) => () => fail(new DOMException(name, name));
    request.open("POST", path);
    request.responseType = "arraybuffer";
    request.timeout = timeout;
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.upload.onload = () => onProgress(1);
    request.onload = () => done(answerOf(request));
    request.onerror = failed("NetworkError");
    request.onabort = failed("AbortError");
    request.ontimeout = failed("TimeoutError");
    request.send(body);
  });
}

function answerOf(request) {
  const headers = new Headers();
  for (const name of ["Content-Type", "Proof-Nonce"]) {
    const value = request.getResponseHeader(name);
    if (value) headers.set(name, value);
  }
  const bodiless = [204, 304].includes(request.status);
  return new Response(bodiless ? null : request.response, { status: request.status, headers });
}

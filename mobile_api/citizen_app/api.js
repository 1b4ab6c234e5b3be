/** The mobile API as this phone calls it: every request signed by the device key. */

import { utf8 } from "./bytes.js";
import { Problem } from "./problem.js";
import { transfer } from "./transfer.js";

const NONCE_LIFE = 240_000;
const TIMEOUT = 20_000;
const PICTURE_TIMEOUT = 90_000;

export class Api {
  #nonce = null;
  #nonceAt = 0;
  #skew = 0;

  constructor({ configuration, language, timeout = TIMEOUT }) {
    this.configuration = configuration;
    this.language = language;
    this.timeout = timeout;
    this.authenticator = null;
    /** Told of every refusal, for what concerns the whole app. */
    this.onProblem = () => {};
  }

  /** The server's time in whole seconds, from the last nonce it gave. */
  now() {
    return Math.floor(Date.now() / 1000 + this.#skew);
  }

  /** A nonce that will still be fresh when it arrives. */
  async nonce() {
    if (this.#nonce && Date.now() - this.#nonceAt < NONCE_LIFE) return this.#nonce;
    const answer = await this.#fetch("/nonce", { method: "GET" }, this.timeout);
    if (!answer.ok) throw await problem(answer);
    const { nonce, now } = await answer.json();
    this.#skew = now - Date.now() / 1000;
    this.#keep(nonce);
    return nonce;
  }

  get(path) {
    return this.#call("GET", path, () => new Uint8Array(0));
  }

  /**
   * Post JSON. `body` is a value, or `async (nonce) => value` where the nonce
   * is part of what is signed; it is asked again if the nonce was too old.
   */
  post(path, body = {}, { timeout, signal } = {}) {
    const make = typeof body === "function" ? body : () => body;
    const bytes = async (nonce) => utf8(JSON.stringify(await make(nonce)));
    return this.#call("POST", path, bytes, { "Content-Type": "application/json" }, timeout, signal);
  }

  /** Open a stream: the answer itself, for as long as `signal` lets it. */
  async open(path, { signal }) {
    return this.#proved("GET", path, () => new Uint8Array(0), {}, null, signal);
  }

  /** Post a picture or a clip; `onProgress(share)` hears how much of it has gone. */
  async upload(path, picture, onProgress = null) {
    const bytes = new Uint8Array(await picture.arrayBuffer());
    const headers = { "Content-Type": picture.type };
    return this.#call("POST", path, () => bytes, headers, PICTURE_TIMEOUT, null, onProgress);
  }

  /** Post JSON and answer the bytes that come back, as a Blob. */
  async download(path, body, { timeout = PICTURE_TIMEOUT } = {}) {
    const bytes = utf8(JSON.stringify(body));
    const headers = { "Content-Type": "application/json" };
    return (await this.#proved("POST", path, () => bytes, headers, timeout)).blob();
  }

  async #call(...call) {
    const answer = await this.#proved(...call);
    return answer.status === 204 ? null : answer.json();
  }

  /** The answer to a signed request; refusals are thrown. `timeout` null is none. */
  async #proved(method, path, make, headers = {}, timeout = this.timeout, signal = null, onProgress = null) {
    for (const last of [false, true]) {
      const nonce = await this.nonce();
      const body = await make(nonce);
      const answer = await this.#send({ method, path, body, nonce, headers, timeout, signal, onProgress });
      if (answer.ok) return answer;
      const refused = await problem(answer);
      if (refused.code !== "proof-nonce" || last) {
        this.onProblem(refused);
        throw refused;
      }
      if (!answer.headers.get("Proof-Nonce")) this.#nonce = null;
    }
  }

  async #send({ method, path, body, nonce, headers, timeout, signal, onProgress }) {
    const url = this.configuration.app + path;
    const now = this.now();
    const proof = await this.authenticator.proof({ method, url, body, nonce, now });
    const answer = await this.#fetch(
      path,
      {
        method,
        headers: { ...headers, "Device-Proof": proof },
        body: method === "GET" ? undefined : body,
      },
      timeout,
      signal,
      onProgress,
    );
    this.#keep(answer.headers.get("Proof-Nonce"));
    return answer;
  }

  async #fetch(path, request, timeout, signal, onProgress) {
    const headers = { ...request.headers, "Accept-Language": this.language() };
    const ends = [signal, timeout && AbortSignal.timeout(timeout)].filter(Boolean);
    try {
      if (onProgress) return await transfer(path, { ...request, headers, timeout, onProgress });
      return await fetch(path, {
        ...request,
        headers,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: ends.length > 1 ? AbortSignal.any(ends) : ends[0],
      });
    } catch (error) {
      const slow = error.name === "TimeoutError";
      throw new Problem({ code: slow ? "timeout" : "offline" });
    }
  }

  #keep(nonce) {
    if (!nonce) return;
    this.#nonce = nonce;
    this.#nonceAt = Date.now();
  }
}

async function problem(answer) {
  let said = {};
  try {
    said = await answer.json();
  } catch {
    // A gateway answered in its own words.
  }
  const code = typeof said?.code === "string" ? said.code : unnamed(answer.status);
  return new Problem({ ...said, code, status: answer.status });
}

const unnamed = (status) => (status === 413 ? "too-large" : "unavailable");

/**
 * What happens to a login, told as it happens: an event stream, or a long poll
 * where streams do not get through.
 *
 *     follow(path, challenge, (event, data) => …) → stop()
 */

const EVENTS = ["codes", "claimed", "approved", "closed"];
const RETRY = 1000;
const PATIENCE = 2; // streams that said nothing, before long-polling

/** Follow a login until it closes or `stop` is called. */
export function follow(path, challenge, tell) {
  let close = () => {};
  let silent = 0;
  let stopped = false;

  function stream() {
    const source = new EventSource(`${path}/events?challenge=${challenge}`);
    close = () => source.close();
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        silent = 0;
        if (name === "closed") source.close();
        tell(name, JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      silent += 1;
      if (silent > PATIENCE) return change(poll);
      if (source.readyState === EventSource.CLOSED) later(() => change(stream));
    });
  }

  function poll() {
    const abort = new AbortController();
    close = () => abort.abort();
    let seen = "";
    const ask = async () => {
      try {
        const query = new URLSearchParams({ seen, challenge });
        const answer = await fetch(`${path}/status?${query}`, { signal: abort.signal });
        const { event, data, token } = await answer.json();
        seen = token;
        tell(event, data);
        if (event !== "closed" && !stopped) later(ask, 50);
      } catch {
        later(ask);
      }
    };
    ask();
  }

  function later(next, wait = RETRY) {
    setTimeout(() => { if (!stopped) next(); }, wait);
  }

  function change(to) {
    close();
    if (!stopped) to();
  }

  if (globalThis.EventSource) stream(); else poll();
  return () => { stopped = true; close(); };
}

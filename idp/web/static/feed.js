/**
 * What happens to a login, told as it happens: an event stream, or a long poll
 * where streams do not get through.
 *
 *     follow(path, challenge, (event, data) => …) → stop()
 */

const EVENTS = ["codes", "claimed", "approved", "closed"];
const RETRY = 1000;
const PATIENCE = 4000; // a stream that says nothing for so long is held up on its way

/** Follow a login until it closes or `stop` is called. */
export function follow(path, challenge, tell) {
  let close = () => {};
  let stopped = false;

  function stream() {
    const source = new EventSource(`${path}/events?challenge=${challenge}`);
    let patience;
    const wait = () => { patience ??= setTimeout(() => change(poll), PATIENCE); };
    const relax = () => { clearTimeout(patience); patience = undefined; };
    close = () => { relax(); source.close(); };
    wait();
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        relax();
        if (name === "closed") source.close();
        tell(name, JSON.parse(event.data));
      });
    }
    source.addEventListener("error", wait); // the browser tries again by itself
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

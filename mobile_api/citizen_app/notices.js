/**
 * What this person is asked while the app is open and seen: pushed logins.
 *
 * An event stream where the browser can read one, else a long poll. Each answer
 * holds all that waits, so a lost connection loses nothing.
 */

const PAUSE = 3000;
const LONG_POLL = 40_000;
const RARELY = 30_000;

/** Call `onWaiting(challenges)` at every change until the returned function stops it. */
export function watchNotices(phone, onWaiting) {
  const stopped = new AbortController();
  run(phone, onWaiting, stopped.signal).catch(() => {});
  return () => stopped.abort();
}

async function run(phone, onWaiting, signal) {
  let streams = true;
  let seen = [];
  const tell = (waiting) => {
    if (signal.aborted) return;
    seen = waiting.map(({ id }) => id);
    onWaiting(waiting);
  };
  while (!signal.aborted) {
    try {
      if (streams) streams = await follow(phone, tell, signal);
      else tell((await phone.api.post("/notices", { seen }, { timeout: LONG_POLL, signal })).challenges);
      if (streams) await sleep(PAUSE, signal);
    } catch (problem) {
      // A stream that breaks may be a network that holds it back: poll from now on.
      streams = streams && problem.code === "offline";
      await sleep(problem.code === "exhausted" ? RARELY : PAUSE, signal);
    }
  }
}

/** Read one event stream to its end; false when this browser cannot read one. */
async function follow(phone, tell, signal) {
  const answer = await phone.api.open("/notices", { signal });
  if (!answer.body?.pipeThrough || !globalThis.TextDecoderStream) return false;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return true;
    const events = (text + value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data) tell(JSON.parse(data).challenges);
    }
  }
}

function sleep(millis, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, millis);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

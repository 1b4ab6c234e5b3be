/**
 * Film a person who does what is told: frames with their time and instruction.
 *
 *     told --planOf--> beats --film--> frames --packClip--> what is sent
 *
 * The instructions follow the clock of the film. A frame is taken when the camera has
 * a new one and its time has come; what a weak phone cannot take in full is taken
 * smaller, and a film with holes is never sent, because it would cost a try.
 */

import { Problem } from "./problem.js";

const RATIO = 3 / 4;
const AFTER_MS = 400;
const TICK_MS = 15;
const MOST_BYTES = 7_500_000;
const MOST_FRAMES = 235;
const LONGEST_GAP_MS = 400;
const WAITING = 3;
// How large and how fine the pictures are, from the best down: a weak phone or network.
export const STAGES = [
  { height: 640, quality: 0.8 },
  { height: 480, quality: 0.75 },
  { height: 360, quality: 0.7 },
];
const COARSEST = 0.4;

/**
 * What is shown when: `[{from, until, step, action}]` in milliseconds of the film.
 *
 * `action` is empty for "look straight ahead"; `step` is the tag of the frames.
 */
export function planOf({ steps, neutral_ms: neutral }) {
  const parts = steps.flatMap(({ action, hold_ms: hold }, i) => [
    { step: i + 1, action, lasts: hold },
    { step: i + 1, action: "", lasts: neutral },
  ]);
  const all = [{ step: 0, action: "", lasts: neutral }, ...parts, { step: steps.length + 1, action: "", lasts: AFTER_MS }];
  let from = 0;
  return all.map(({ lasts, ...beat }) => {
    const placed = { ...beat, from, until: from + lasts };
    from += lasts;
    return placed;
  });
}

const endOf = (plan) => plan.at(-1).until;
const beatAt = (plan, at) => plan.find(({ until }) => at < until);

/** The middle of the video, three by four, and how large it is drawn at this stage. */
export function frameArea({ videoWidth, videoHeight }, { height: most }) {
  const height = Math.min(videoHeight, videoWidth / RATIO);
  const width = height * RATIO;
  const drawn = Math.round(Math.min(most, height));
  return {
    x: (videoWidth - width) / 2,
    y: (videoHeight - height) / 2,
    width,
    height,
    drawnWidth: Math.round(drawn * RATIO),
    drawnHeight: drawn,
  };
}

/** Takes pictures of a video; knows whether there is a new one and how many wait. */
class Shutter {
  waiting = 0;
  bytes = 0;
  #isFresh = true;
  #open = true;

  constructor(video, stage) {
    this.video = video;
    this.quality = stage.quality;
    this.area = frameArea(video, stage);
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.area.drawnWidth;
    this.canvas.height = this.area.drawnHeight;
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.#watch();
  }

  #watch() {
    if (!this.video.requestVideoFrameCallback) return;
    this.#isFresh = false;
    const seen = () => {
      this.#isFresh = true;
      if (this.#open) this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
  }

  get isReady() {
    return this.#isFresh && this.waiting < WAITING && this.video.videoWidth > 0;
  }

  take() {
    const { x, y, width, height, drawnWidth, drawnHeight } = this.area;
    this.context.drawImage(this.video, x, y, width, height, 0, 0, drawnWidth, drawnHeight);
    if (this.video.requestVideoFrameCallback) this.#isFresh = false;
    this.waiting += 1;
    return new Promise((done) => {
      this.canvas.toBlob((picture) => {
        this.waiting -= 1;
        this.bytes += picture?.size ?? 0;
        done(picture);
      }, "image/jpeg", this.quality);
    });
  }

  close() {
    this.#open = false;
  }
}

/** Call `tick(at)` until it answers true; `at` counts milliseconds from now. */
function clockwork(tick, signal) {
  const start = performance.now();
  return new Promise((done, fail) => {
    const stop = () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", hidden);
    };
    const end = (how, what) => {
      stop();
      how(what);
    };
    const hidden = () => document.hidden && end(fail, new Problem({ code: "film-interrupted" }));
    const timer = setInterval(() => {
      if (signal.aborted) return end(fail, new Problem({ code: "film-interrupted" }));
      if (tick(performance.now() - start)) end(done);
    }, TICK_MS);
    document.addEventListener("visibilitychange", hidden);
  });
}

/**
 * Film for `ms` and throw it away; answer the first stage that this phone keeps up with.
 *
 * `onTime(left)` is told the milliseconds left, for a countdown.
 */
export async function warmUp({ video, ms, every, stage, onTime, signal }) {
  const shutter = new Shutter(video, STAGES[stage]);
  let taken = 0;
  let next = 0;
  let kept = 0;
  try {
    await clockwork((at) => {
      onTime(ms - at);
      if (at >= next && shutter.isReady) {
        taken += 1;
        next = Math.max(next + every, at - every);
        shutter.take().then(() => (kept += 1));
      }
      return at >= ms;
    }, signal);
  } finally {
    shutter.close();
  }
  const isBehind = kept < 0.6 * taken || shutter.waiting >= WAITING;
  return Math.min(stage + Number(isBehind), STAGES.length - 1);
}

/**
 * Film the plan. `onBeat(beat, index)` is told each instruction as it begins, `onTime`
 * the share of the film that is over. Throws `film-interrupted` or `film-too-slow`.
 */
export async function film({ video, plan, every, stage, onBeat, onTime, signal }) {
  const shutter = new Shutter(video, STAGES[stage]);
  const shots = [];
  let first = null;
  let next = 0;
  let shown = null;
  const end = endOf(plan);
  const shoot = (at, step) => {
    spare(shutter, { at, end, quality: STAGES[stage].quality });
    shots.push({ at, step, picture: shutter.take() });
    next = Math.max(next + every, at);
  };
  const tick = (now) => {
    if (first === null && !shutter.isReady) return now > 3000;
    first ??= now;
    const at = Math.round(now - first);
    const beat = beatAt(plan, at);
    if (!beat) return true;
    if (beat !== shown) {
      shown = beat;
      onBeat(beat);
    }
    onTime(at / end);
    const isNew = at > (shots.at(-1)?.at ?? -1);
    if (at >= next && isNew && shutter.isReady && shots.length < MOST_FRAMES) shoot(at, beat.step);
    return false;
  };
  try {
    await clockwork(tick, signal);
  } finally {
    shutter.close();
  }
  return whole(await Promise.all(shots.map(async (shot) => ({ ...shot, picture: await shot.picture }))), end);
}

/** Draw coarser when the film would become larger than may be sent. */
function spare(shutter, { at, end, quality }) {
  if (at < 1000) return;
  const expected = (shutter.bytes / at) * end;
  if (expected > MOST_BYTES) shutter.quality = Math.max(COARSEST, shutter.quality - 0.05);
  else if (expected < MOST_BYTES / 2) shutter.quality = Math.min(quality, shutter.quality + 0.05);
}

/** The frames, if nothing is missing between them. */
function whole(shots, end) {
  const frames = shots.filter(({ picture }) => picture);
  const times = [0, ...frames.map(({ at }) => at), end];
  const holes = times.slice(1).some((at, i) => at - times[i] > LONGEST_GAP_MS);
  if (holes) throw new Problem({ code: "film-too-slow" });
  return frames;
}

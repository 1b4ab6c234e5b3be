/** Read QR codes from the camera, frame by frame. */

import { prepareZXingModule, readBarcodes } from "./vendor/zxing-reader.js";

const LONGEST = 960;
const PAUSE = 60;
const OPTIONS = { formats: ["QRCode"], maxNumberOfSymbols: 1, tryHarder: true, tryInvert: true };

prepareZXingModule({ overrides: { locateFile: (path) => `/vendor/${path}` } });

/** Fetch and compile the reader ahead of the first frame. */
export const prepare = () => readBarcodes(new ImageData(8, 8), OPTIONS).then(() => undefined);

/**
 * Watch a playing <video>; call `onRead` once for each text that is new.
 *
 * The same text is never given twice, so a code that was refused is not sent
 * again while it stays in the picture. Answers a function that stops.
 */
export function watch(video, onRead) {
  const canvas = document.createElement("canvas");
  const seen = new Set();
  let stopped = false;
  const loop = async () => {
    while (!stopped) {
      const text = await readFrame(video, canvas);
      if (text && !stopped && !seen.has(text)) {
        seen.add(text);
        await onRead(text);
      }
      await new Promise((next) => setTimeout(next, PAUSE));
    }
  };
  loop();
  return () => (stopped = true);
}

async function readFrame(video, canvas) {
  const { videoWidth, videoHeight } = video;
  if (!videoWidth) return null;
  const scale = Math.min(1, LONGEST / Math.max(videoWidth, videoHeight));
  canvas.width = Math.round(videoWidth * scale);
  canvas.height = Math.round(videoHeight * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  const picture = context.getImageData(0, 0, canvas.width, canvas.height);
  const [found] = await readBarcodes(picture, OPTIONS);
  return found?.isValid ? found.text : null;
}

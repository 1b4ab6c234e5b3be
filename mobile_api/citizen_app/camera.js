/** Pictures: the live camera with its guide, one shot, and whether it is usable. */

import { Problem } from "./problem.js";

const LONGEST = 1600;
const SAMPLE = 320;
const DARK = 45;
const BRIGHT = 235;
const BLURRED = 18;

/** Open a camera: `environment` looks away from the person, `user` at them. */
export async function openCamera(facing, { width = 1920, height = 1080 } = {}) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Problem({ code: "camera-missing" });
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: facing, width: { ideal: width }, height: { ideal: height } },
    });
  } catch (error) {
    const denied = ["NotAllowedError", "SecurityError"].includes(error.name);
    throw new Problem({ code: denied ? "camera-denied" : "camera-missing" });
  }
}

/** Whether the picture is of what lies before the phone; others are shown as in a mirror. */
export const facesAway = (stream) =>
  stream.getVideoTracks()[0]?.getSettings().facingMode === "environment";

export function closeCamera(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** The part of the video that lies under the guide, in pixels of the video. */
export function guideArea(video, { ratio, share }) {
  const { videoWidth, videoHeight } = video;
  const width = Math.min(videoWidth * share, videoHeight * share * ratio);
  const height = width / ratio;
  return { x: (videoWidth - width) / 2, y: (videoHeight - height) / 2, width, height };
}

/** Take one picture of the video (or of `area` of it): `{blob, faults}`. */
export function shoot(video, area) {
  const whole = { x: 0, y: 0, width: video.videoWidth, height: video.videoHeight };
  return finish(draw(video, area ?? whole, LONGEST));
}

/** Read a picture that the person chose from a file: `{blob, faults}`. */
export async function readFile(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Problem({ code: "picture-unreadable" });
  }
  const whole = { x: 0, y: 0, width: bitmap.width, height: bitmap.height };
  try {
    return await finish(draw(bitmap, whole, LONGEST));
  } finally {
    bitmap.close();
  }
}

function draw(source, { x, y, width, height }, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, x, y, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

async function finish(canvas) {
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
  return { blob, faults: judge(canvas) };
}

/**
 * Name what is plainly wrong with a picture: `too-dark`, `too-bright`, `blurred`.
 *
 * Only a help before the upload; the server judges. Sharpness is the standard
 * deviation of the Laplacian on a picture 320 pixels long.
 */
export function judge(canvas) {
  const whole = { x: 0, y: 0, width: canvas.width, height: canvas.height };
  const small = draw(canvas, whole, SAMPLE);
  const grey = greys(small);
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  const faults = [];
  if (mean < DARK) faults.push("too-dark");
  if (mean > BRIGHT) faults.push("too-bright");
  if (sharpness(grey, small.width, small.height) < BLURRED) faults.push("blurred");
  return faults;
}

function greys(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const grey = new Float32Array(canvas.width * canvas.height);
  for (let i = 0; i < grey.length; i += 1) {
    grey[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  }
  return grey;
}

function sharpness(grey, width, height) {
  let sum = 0;
  let squares = 0;
  let count = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * width + x;
      const edge = grey[at - 1] + grey[at + 1] + grey[at - width] + grey[at + width] - 4 * grey[at];
      sum += edge;
      squares += edge * edge;
      count += 1;
    }
  }
  return count ? Math.sqrt(squares / count - (sum / count) ** 2) : 0;
}

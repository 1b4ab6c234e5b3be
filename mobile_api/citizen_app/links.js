/** The two links that name a challenge; docs/mobile-api.md, "Answering a login". */

const ID = "[A-Za-z0-9_-]{22}";
const QR = new RegExp(`^/q/(${ID})\\.((?:0|[1-9][0-9]{0,3})\\.[A-Za-z0-9_-]{22})$`);
const SAME_DEVICE = new RegExp(`^/s/(${ID})\\.([A-Za-z0-9_-]{22,43})$`);

/** What a scanned text asks for: `{id, channel: "qr", code}`, or null. */
export function parseScanned(text, origin) {
  if (!text.startsWith(`${origin}/q/`)) return null;
  const match = QR.exec(text.slice(origin.length));
  return match && { id: match[1], channel: "qr", code: match[2] };
}

/** What the path the app was opened with asks for: `{id, channel, secret}`, or null. */
export function parseOpened(path) {
  const match = SAME_DEVICE.exec(path);
  return match && { id: match[1], channel: "same_device", secret: match[2] };
}

/** A `/q/` link opened by the operating system claims nothing. */
export const isQrPath = (path) => path.startsWith("/q/");

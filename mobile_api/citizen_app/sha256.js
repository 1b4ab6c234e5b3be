/** SHA-256 (FIPS 180-4) at once, for many short messages: Web Crypto answers too late. */

const primes = (count) => {
  const found = [];
  for (let n = 2; found.length < count; n += 1) {
    if (found.every((prime) => n % prime)) found.push(n);
  }
  return found;
};
const fraction = (number) => ((number - Math.floor(number)) * 0x100000000) | 0;
const ROUNDS = Int32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(primes(8), (prime) => fraction(Math.sqrt(prime)));
const BLOCK = 64;
const LENGTH = 8;

const state = new Int32Array(8);
const words = new Int32Array(64);
const turn = (word, by) => (word >>> by) | (word << (32 - by));

/** Words are set one by one below: destructuring would make this ten times slower. */
function compress() {
  for (let i = 16; i < 64; i += 1) {
    const early = words[i - 15];
    const late = words[i - 2];
    const first = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
    const second = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
    words[i] = words[i - 16] + first + words[i - 7] + second;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < 64; i += 1) {
    const turned = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const more = (h + turned + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]) | 0;
    const less = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + more) | 0;
    d = c;
    c = b;
    b = a;
    a = (more + less) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/** The digest of ASCII text as eight words of 32 bits; the array is used again. */
export function digestWords(text) {
  const { length } = text;
  const blocks = Math.ceil((length + 1 + LENGTH) / BLOCK);
  state.set(START);
  for (let block = 0; block < blocks; block += 1) {
    for (let i = 0; i < 16; i += 1) {
      const at = block * BLOCK + 4 * i;
      let word = 0;
      for (let byte = at; byte < at + 4; byte += 1) {
        word = (word << 8) | (byte < length ? text.charCodeAt(byte) : byte === length ? 0x80 : 0);
      }
      words[i] = word;
    }
    if (block === blocks - 1) words[15] = 8 * length;
    compress();
  }
  return state;
}

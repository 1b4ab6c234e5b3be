/** A refusal, as the server (RFC 9457) or the lack of one said it. */
export class Problem extends Error {
  constructor({ code, status = 0, detail = "", ...more }) {
    super(detail || code);
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.attemptsLeft = more.attempts_left;
    this.retryAfter = more.retry_after;
    this.fields = more.fields ?? [];
    this.advice = more.advice ?? [];
    this.challenge = more.challenge;
    this.difficulty = more.difficulty;
  }
}
